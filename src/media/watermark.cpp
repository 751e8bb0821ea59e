// The mark sits in the U channel, in the LL band of a one-level Haar transform: the half-size picture whose
// coefficients are (a + b + c + d) / 2 of 2x2 pixels. LL is cut into blocks of 4x4, numbered row by row, and block n
// carries bit n mod 48: its largest coefficient v (the first one aside) is moved within its interval of 36 to the
// first or third quarter, for zero and one. Despite the method's name, the package applies no DCT to the block.
//
// With the other bands unchanged, the inverse transform of a change d of one coefficient is d / 2 on each of its four
// pixels, so the transform itself is needed in one direction only. (The package exchanges two of the bands on the way
// back and blurs the picture by it.)
//
// One more difference. In a flat block the move can make another coefficient the largest, and a decoder then reads
// that one: the package's own marks are read with up to 5 of 48 bits wrong in photos. Where that would happen, the
// coefficient moves to the same quarter of the next interval and stays the largest. Measured on six pictures: no bit
// wrong, with the package's decoder too, at the same signal-to-noise ratio.
#include "media/watermark.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "media/check_image.h"

namespace svd {
namespace {

constexpr int kMinPixels = 256 * 256;
constexpr int kBlock = 4;                 // side, in LL coefficients
constexpr int kBlockPixels = 2 * kBlock;  // side, in pixels
constexpr double kInterval = 36;

bool bit_of(int64_t block) { return (kWatermark >> (kWatermarkBits - 1 - block % kWatermarkBits)) & 1; }

// OpenCV's 8-bit RGB -> YUV (BT.601, full range, U and V around 128), which works with 14-bit fixed point:
// Y = 0.299 R + 0.587 G + 0.114 B rounded to 8 bits, then U = 0.492 (B - Y) + 128.
int u_of(const uint8_t* rgb) {
  constexpr int kHalf = 1 << 13;
  const int y = (4899 * rgb[0] + 9617 * rgb[1] + 1868 * rgb[2] + kHalf) >> 14;
  return std::clamp((8061 * (rgb[2] - y) + (128 << 14) + kHalf) >> 14, 0, 255);
}

// The change of RGB that changes U by `du`, and neither Y nor V: R stays, G -= 0.395 du, B += 2.032 du. (The package
// converts every pixel to 8-bit YUV and back, which moves the unmarked ones by rounding, too.)
void change_u(uint8_t* rgb, double du) {
  const auto moved = [](uint8_t v, double by) {
    return static_cast<uint8_t>(std::lround(std::clamp(v + by, 0.0, 255.0)));
  };
  rgb[1] = moved(rgb[1], -0.395 * du);
  rgb[2] = moved(rgb[2], 2.032 * du);
}

struct Coefficient {
  int row = 0, column = 0;  // of its upper left pixel
  double value = -1;        // never negative in an LL band of 8-bit samples
  double runner_up = -1;    // the next largest one's
};

bool reads_as(double value) { return std::fmod(value, kInterval) > kInterval / 2; }

double marked_value(const Coefficient& largest, bool bit) {
  constexpr double kSafety = 2;  // what rounding to 8 bits may do to either of the two
  const double value = (std::floor(largest.value / kInterval) + (bit ? 0.75 : 0.25)) * kInterval;
  const bool overtaken = largest.runner_up > value - kSafety && reads_as(largest.runner_up) != bit;
  return overtaken ? value + kInterval : value;
}

// Of the block whose upper left pixel is given.
Coefficient largest_coefficient(const Image& image, int top, int left) {
  Coefficient largest;
  for (int i = 1; i < kBlock * kBlock; ++i) {
    const int row = top + 2 * (i / kBlock), column = left + 2 * (i % kBlock);
    const uint8_t* const upper = image.rgb.data() + (static_cast<size_t>(row) * image.width + column) * 3;
    const uint8_t* const lower = upper + size_t{3} * image.width;
    const double value = (u_of(upper) + u_of(upper + 3) + u_of(lower) + u_of(lower + 3)) / 2.0;
    if (value > largest.value) {
      largest = {row, column, value, largest.value};
    } else {
      largest.runner_up = std::max(largest.runner_up, value);
    }
  }
  return largest;
}

// Calls visit(block number, row, column) for every whole block.
template <typename Visit>
void for_each_block(const Image& image, Visit visit) {
  int64_t block = 0;
  for (int top = 0; top + kBlockPixels <= image.height; top += kBlockPixels) {
    for (int left = 0; left + kBlockPixels <= image.width; left += kBlockPixels) visit(block++, top, left);
  }
}

bool can_carry(const Image& image) { return static_cast<int64_t>(image.width) * image.height >= kMinPixels; }

}  // namespace

void embed_watermark(Image& image) {
  check_image(image);
  if (!can_carry(image)) return;
  for_each_block(image, [&](int64_t block, int top, int left) {
    const Coefficient c = largest_coefficient(image, top, left);
    const double du = (marked_value(c, bit_of(block)) - c.value) / 2;
    for (int y = c.row; y < c.row + 2; ++y) {
      for (int x = c.column; x < c.column + 2; ++x) {
        change_u(image.rgb.data() + (static_cast<size_t>(y) * image.width + x) * 3, du);
      }
    }
  });
}

std::optional<uint64_t> read_watermark(const Image& image) {
  check_image(image);
  if (!can_carry(image)) return std::nullopt;
  std::array<int64_t, kWatermarkBits> votes{};  // for a one, less those for a zero
  int64_t blocks = 0;
  for_each_block(image, [&](int64_t block, int top, int left) {
    ++blocks;
    votes[block % kWatermarkBits] += reads_as(largest_coefficient(image, top, left).value) ? 1 : -1;
  });
  if (blocks < kWatermarkBits) return std::nullopt;
  uint64_t bits = 0;
  for (const int64_t vote : votes) bits = bits << 1 | (vote > 0);
  return bits;
}

}  // namespace svd
