#include "pipeline/preview.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"

namespace svd {
namespace {

constexpr size_t kScale = 8;  // pixels per latent position, in each direction

// Solves A X = B for a symmetric, positive definite A by Cholesky's factorisation.
template <size_t N, size_t M>
std::array<std::array<double, N>, M> solve(std::array<std::array<double, N>, N> a,
                                           const std::array<std::array<double, N>, M>& right_sides) {
  for (size_t i = 0; i < N; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i][j];
      for (size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = i == j ? std::sqrt(sum) : sum / a[j][j];
    }
  }
  std::array<std::array<double, N>, M> solutions = right_sides;
  for (auto& x : solutions) {
    for (size_t i = 0; i < N; ++i) {
      for (size_t k = 0; k < i; ++k) x[i] -= a[i][k] * x[k];
      x[i] /= a[i][i];
    }
    for (size_t i = N; i-- > 0;) {
      for (size_t k = i + 1; k < N; ++k) x[i] -= a[k][i] * x[k];
      x[i] /= a[i][i];
    }
  }
  return solutions;
}

// Mean of the pixels of each latent position: [h, w] of one plane.
std::vector<double> averaged(std::span<const float> plane, size_t height, size_t width) {
  std::vector<double> mean(height * width);
  for (size_t y = 0; y < height * kScale; ++y) {
    for (size_t x = 0; x < width * kScale; ++x) {
      mean[y / kScale * width + x / kScale] += plane[y * width * kScale + x] / static_cast<double>(kScale * kScale);
    }
  }
  return mean;
}

}  // namespace

LatentPreview::LatentPreview(std::span<const float> picture, std::span<const float> latent, int height, int width)
    : height_(static_cast<size_t>(height)), width_(static_cast<size_t>(width)) {
  const size_t positions = height_ * width_;
  ensure(latent.size() == kChannels * positions && picture.size() == 3 * kScale * kScale * positions,
         "a preview fitted to {} values of picture and {} of latent, {} x {}", picture.size(), latent.size(), height,
         width);
  std::array<Row, kChannels + 1> products{};  // sums over the positions, of each pair of inputs
  std::array<Row, 3> targets{};               // and of each input with each colour
  const auto input = [&](size_t channel, size_t i) {
    return channel < kChannels ? static_cast<double>(latent[channel * positions + i]) : 1.0;
  };
  std::array<std::vector<double>, 3> colours;
  for (size_t c = 0; c < 3; ++c) {
    colours[c] = averaged(picture.subspan(c * picture.size() / 3, picture.size() / 3), height_, width_);
  }
  for (size_t i = 0; i < positions; ++i) {
    for (size_t a = 0; a <= kChannels; ++a) {
      for (size_t b = 0; b <= kChannels; ++b) products[a][b] += input(a, i) * input(b, i);
      for (size_t c = 0; c < 3; ++c) targets[c][a] += input(a, i) * colours[c][i];
    }
  }
  // A flat picture does not determine the map; this pulls what is open towards zero, and hardly moves the rest.
  double sum = 0;
  for (size_t a = 0; a <= kChannels; ++a) sum += products[a][a];
  for (size_t a = 0; a < kChannels; ++a) products[a][a] += 1e-4 * sum;
  map_ = solve(products, targets);
}

std::vector<Image> LatentPreview::project(std::span<const float> latents) const {
  const size_t positions = height_ * width_;
  ensure(latents.size() % (kChannels * positions) == 0, "a preview of {} values, {} x {}", latents.size(), height_,
         width_);
  std::vector<Image> frames;
  for (size_t start = 0; start < latents.size(); start += kChannels * positions) {
    const auto frame = latents.subspan(start, kChannels * positions);
    Image& image = frames.emplace_back(Image{static_cast<int>(width_), static_cast<int>(height_), {}});
    image.rgb.resize(3 * positions);
    for (size_t i = 0; i < positions; ++i) {
      for (size_t c = 0; c < 3; ++c) {
        double v = map_[c][kChannels];
        for (size_t k = 0; k < kChannels; ++k) v += map_[c][k] * static_cast<double>(frame[k * positions + i]);
        const double byte = (v + 1) / 2 * 255;
        image.rgb[3 * i + c] = byte > 0 ? static_cast<uint8_t>(std::min(byte, 255.0)) : 0;  // NaN: 0
      }
    }
  }
  return frames;
}

}  // namespace svd
