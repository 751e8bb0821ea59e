// A cheap look at latents: one linear map from the latent channels to colours, an eighth of the size, no decoder.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "svd/image.h"

namespace svd {

// The map is fitted to the run's own picture, by least squares: the encoder's latent of the picture on one side, the
// picture averaged over the 8 x 8 pixels that each latent position stands for on the other. No constants of a
// particular autoencoder are needed, and the colours are those of the video to come. The latent is almost an image
// already, so that much shows: shapes and main colours, not detail.
class LatentPreview {
 public:
  // picture [3, 8 h, 8 w] in [-1, 1]; latent [4, h, w], as the encoder gives it (not scaled).
  LatentPreview(std::span<const float> picture, std::span<const float> latent, int height, int width);

  // latents [T, 4, h, w], as the encoder gives them -> T pictures of h x w.
  std::vector<Image> project(std::span<const float> latents) const;

 private:
  static constexpr size_t kChannels = 4;
  using Row = std::array<double, kChannels + 1>;  // of each channel, then the constant

  size_t height_, width_;   // of the latent
  std::array<Row, 3> map_;  // red, green, blue in [-1, 1]
};

}  // namespace svd
