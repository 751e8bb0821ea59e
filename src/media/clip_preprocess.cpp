#include "media/clip_preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "base/fail.h"

namespace svd {
namespace {

constexpr float kMean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
constexpr float kDeviation[3] = {0.26862954f, 0.26130258f, 0.27577711f};

// Blur and interpolation are both linear and both separable, so along one axis the two together are one weighted
// sum of neighbouring samples per result sample, and the blurred picture never exists.
struct Tap {
  int first = 0;               // source index of weights[0]
  std::vector<float> weights;  // all within the picture
};

std::vector<double> blur_kernel(int in_size) {
  const double shrink = static_cast<double>(in_size) / kClipImageSize;
  if (shrink <= 1) return {1.0};
  const double sigma = std::max((shrink - 1) / 2, 0.001);
  int size = std::max(static_cast<int>(2 * 2 * sigma), 3);
  if (size % 2 == 0) ++size;
  std::vector<double> kernel(size);
  const int middle = size / 2;
  for (int i = 0; i < size; ++i) kernel[i] = std::exp(-0.5 * std::pow((i - middle) / sigma, 2));
  const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
  for (double& weight : kernel) weight /= sum;
  return kernel;
}

// Cubic convolution (Keys 1981) with a = -0.75.
double cubic(double x) {
  constexpr double a = -0.75;
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return a * (((x - 5) * x + 8) * x - 4);
  return 0;
}

// 0 1 2 3 | 2 1 0: the border sample is not repeated.
int reflect(int i, int size) {
  if (i < 0) i = -i;
  return i < size ? i : 2 * (size - 1) - i;
}

std::vector<Tap> clip_taps(int in_size) {
  const auto blur = blur_kernel(in_size);
  const int radius = static_cast<int>(blur.size() / 2);
  // Float, as the reference has it: at column 1000 its position is off by up to 3e-5.
  const float scale = static_cast<float>(in_size - 1) / (kClipImageSize - 1);
  std::vector<Tap> taps(kClipImageSize);
  std::vector<double> weights(in_size);
  for (int i = 0; i < kClipImageSize; ++i) {
    const float position = scale * static_cast<float>(i);
    const int base = static_cast<int>(position);
    std::fill(weights.begin(), weights.end(), 0.0);
    int first = in_size, last = -1;
    for (int j = base - 1; j <= base + 2; ++j) {  // the blurred samples; beyond the border its last one is repeated
      const int blurred = std::clamp(j, 0, in_size - 1);
      for (int k = -radius; k <= radius; ++k) {
        const int source = reflect(blurred + k, in_size);
        weights[source] += cubic(position - static_cast<float>(j)) * blur[k + radius];
        first = std::min(first, source);
        last = std::max(last, source);
      }
    }
    taps[i] = {first, {weights.begin() + first, weights.begin() + last + 1}};
  }
  return taps;
}

}  // namespace

std::vector<float> clip_preprocess(std::span<const float> picture, int height, int width) {
  ensure(height > 0 && width > 0 && picture.size() == size_t{3} * height * width,
         "clip_preprocess: expected [3, {}, {}], found {} values", height, width, picture.size());
  constexpr int n = kClipImageSize;
  const auto columns = clip_taps(width), rows = clip_taps(height);
  std::vector<float> narrowed(static_cast<size_t>(height) * n);  // [H, 224]
  std::vector<float> out(size_t{3} * n * n);                     // [3, 224, 224]
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < height; ++y) {
      const float* const row = picture.data() + (static_cast<size_t>(c) * height + y) * width;
      for (int x = 0; x < n; ++x) {
        const auto& [first, weights] = columns[x];
        narrowed[static_cast<size_t>(y) * n + x] =
            std::inner_product(weights.begin(), weights.end(), row + first, 0.0f);
      }
    }
    for (int y = 0; y < n; ++y) {
      float* const to = out.data() + (static_cast<size_t>(c) * n + y) * n;
      const float* from = narrowed.data() + static_cast<size_t>(rows[y].first) * n;
      for (const float weight : rows[y].weights) {
        for (int x = 0; x < n; ++x) to[x] += weight * from[x];
        from += n;
      }
      for (int x = 0; x < n; ++x) to[x] = ((to[x] + 1) / 2 - kMean[c]) / kDeviation[c];
    }
  }
  return out;
}

}  // namespace svd
