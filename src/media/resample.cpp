#include "media/resample.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "media/check_image.h"

namespace svd {
namespace {

void check_wanted_size(int width, int height) {
  if (width < 1 || height < 1 || width > kMaxImageSide || height > kMaxImageSide) {
    fail(ErrorCode::invalid_argument, "cannot resize to {}x{} pixels: each side must be 1 to {}", width, height,
         kMaxImageSide);
  }
}

// ---- Pillow's bicubic ----------------------------------------------------------------------------------------

// Cubic convolution (Keys 1981) with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Weights are integers in units of 2^-22: 32 bits less 8 of the sample and 2 for sums of weights beyond 1.
constexpr int kWeightBits = 32 - 8 - 2;

struct Tap {
  int first = 0;                 // source index of weights[0]
  std::vector<int32_t> weights;  // they add up to 2^22
};

std::vector<Tap> bicubic_taps(int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double widening = std::max(scale, 1.0);
  const double radius = 2 * widening;
  std::vector<Tap> taps(out_size);
  std::vector<double> exact;
  for (int i = 0; i < out_size; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(center - radius + 0.5));
    const int end = std::min(in_size, static_cast<int>(center + radius + 0.5));
    exact.clear();
    double sum = 0;
    for (int j = first; j < end; ++j) {
      exact.push_back(cubic((j - center + 0.5) * (1.0 / widening)));
      sum += exact.back();
    }
    taps[i].first = first;
    for (const double weight : exact) {
      const double scaled = weight / sum * (1 << kWeightBits);
      taps[i].weights.push_back(static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return taps;
}

uint8_t from_weighted_sum(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

Image resize_columns(const Image& in, int width) {
  const auto taps = bicubic_taps(in.width, width);
  Image out{width, in.height, std::vector<uint8_t>(size_t{3} * width * in.height)};
  for (int y = 0; y < in.height; ++y) {
    const uint8_t* const row = in.rgb.data() + size_t{3} * y * in.width;
    uint8_t* to = out.rgb.data() + size_t{3} * y * width;
    for (const Tap& tap : taps) {
      int32_t sum[3] = {1 << (kWeightBits - 1), 1 << (kWeightBits - 1), 1 << (kWeightBits - 1)};
      const uint8_t* from = row + size_t{3} * tap.first;
      for (const int32_t weight : tap.weights) {
        for (int c = 0; c < 3; ++c) sum[c] += weight * *from++;
      }
      for (int c = 0; c < 3; ++c) *to++ = from_weighted_sum(sum[c]);
    }
  }
  return out;
}

Image resize_rows(const Image& in, int height) {
  const auto taps = bicubic_taps(in.height, height);
  const size_t row_size = size_t{3} * in.width;
  Image out{in.width, height, std::vector<uint8_t>(row_size * height)};
  std::vector<int32_t> sums(row_size);
  for (int y = 0; y < height; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (kWeightBits - 1));
    const uint8_t* from = in.rgb.data() + row_size * taps[y].first;
    for (const int32_t weight : taps[y].weights) {
      for (size_t i = 0; i < row_size; ++i) sums[i] += weight * from[i];
      from += row_size;
    }
    std::transform(sums.begin(), sums.end(), out.rgb.data() + row_size * y, from_weighted_sum);
  }
  return out;
}

// ---- torch's area --------------------------------------------------------------------------------------------

// The source pixels that result pixel i of n touches, out of in_size.
struct Range {
  int begin, end;
};

Range touched(int i, int in_size, int n) {
  const int64_t from = int64_t{i} * in_size, to = int64_t{i + 1} * in_size;
  return {static_cast<int>(from / n), static_cast<int>((to + n - 1) / n)};
}

std::vector<Range> touched_by_crop(int in_size, int resized, int cropped) {
  const int first = (resized - cropped) / 2;
  std::vector<Range> ranges;
  ranges.reserve(static_cast<size_t>(cropped));
  for (int i = 0; i < cropped; ++i) ranges.push_back(touched(first + i, in_size, resized));
  return ranges;
}

}  // namespace

Image resize_bicubic(const Image& image, int width, int height) {
  check_image(image);
  check_wanted_size(width, height);
  if (width == image.width) return height == image.height ? image : resize_rows(image, height);
  const Image narrowed = resize_columns(image, width);
  return height == image.height ? narrowed : resize_rows(narrowed, height);
}

Image fit_to_multiple_of_64(const Image& image) {
  check_image(image);
  if (image.width < 64 || image.height < 64) {
    fail(ErrorCode::invalid_argument,
         "the picture has {}x{} pixels; each side must be 64 or more, and 1024x576 is what the model was trained on",
         image.width, image.height);
  }
  return resize_bicubic(image, image.width / 64 * 64, image.height / 64 * 64);
}

std::vector<float> cover_crop_area(const Image& image, int width, int height) {
  check_image(image);
  check_wanted_size(width, height);
  if (int64_t{width} * height > kMaxImagePixels) {
    fail(ErrorCode::invalid_argument, "cannot resize to {}x{} pixels: at most {} in all", width, height,
         kMaxImagePixels);
  }
  // The larger of the two scales covers. Both sides are then rounded up, in double precision as the reference does:
  // where the product misses the exact side by a rounding error upwards, the result is one pixel larger there too.
  const double scale = std::max(static_cast<double>(height) / image.height, static_cast<double>(width) / image.width);
  const auto resized = [&](int side, int wanted) {
    return std::max(wanted, static_cast<int>(std::ceil(scale * side)));
  };
  const auto rows = touched_by_crop(image.height, resized(image.height, height), height);
  const auto columns = touched_by_crop(image.width, resized(image.width, width), width);

  const size_t plane = static_cast<size_t>(width) * height;
  std::vector<float> out(3 * plane);  // [3, height, width]
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      uint64_t sum[3] = {};
      for (int v = rows[y].begin; v < rows[y].end; ++v) {
        const uint8_t* pixel = image.rgb.data() + (static_cast<size_t>(v) * image.width + columns[x].begin) * 3;
        for (int u = columns[x].begin; u < columns[x].end; ++u, pixel += 3) {
          for (int c = 0; c < 3; ++c) sum[c] += pixel[c];
        }
      }
      const double area = static_cast<double>(rows[y].end - rows[y].begin) * (columns[x].end - columns[x].begin);
      for (int c = 0; c < 3; ++c) {
        out[c * plane + static_cast<size_t>(y) * width + x] = static_cast<float>(sum[c] / (255 * area));
      }
    }
  }
  return out;
}

Image to_image(std::span<const float> picture, int width, int height) {
  check_wanted_size(width, height);
  const size_t plane = static_cast<size_t>(width) * height;
  ensure(picture.size() == 3 * plane, "to_image: expected {} values, found {}", 3 * plane, picture.size());
  Image image{width, height, std::vector<uint8_t>(3 * plane)};
  for (size_t i = 0; i < plane; ++i) {
    for (size_t c = 0; c < 3; ++c) {
      const float v = picture[c * plane + i];
      image.rgb[3 * i + c] = v > 0 ? static_cast<uint8_t>(std::min(v, 1.0f) * 255 + 0.5f) : 0;  // NaN becomes 0
    }
  }
  return image;
}

}  // namespace svd
