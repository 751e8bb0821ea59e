#include "support/test_image.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace svd::test {

std::vector<uint8_t> test_image(int height, int width, int k) {
  constexpr double kPhases[3] = {0, 2.1, 4.2};
  constexpr double kTurn = 2 * std::numbers::pi;
  std::vector<uint8_t> pixels;  // [height, width, 3]
  pixels.reserve(static_cast<size_t>(height) * width * 3);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column) {
      const double x = static_cast<double>(column) / width, y = static_cast<double>(row) / height;
      for (const double channel_phase : kPhases) {
        const double p = channel_phase + k;
        const double v =
            0.5 + 0.25 * std::sin(kTurn * (3 * x + 2 * y) + p) + 0.2 * std::cos(kTurn * (5 * x - 7 * y) + 2 * p);
        pixels.push_back(static_cast<uint8_t>(std::clamp(std::floor(255 * v + 0.5), 0.0, 255.0)));
      }
    }
  }
  return pixels;
}

}  // namespace svd::test
