// The picture as the CLIP image tower wants it.
#pragma once

#include <span>
#include <vector>

namespace svd {

inline constexpr int kClipImageSize = 224;

// Shrinks to 224 x 224 (Gaussian blur against aliasing, then bicubic interpolation with the corners aligned; the
// aspect ratio is not kept) and normalises to the mean and deviation of CLIP's training pictures.
// `picture`: [3, height, width] in [-1, 1]; the result may overshoot, it is not clamped.
std::vector<float> clip_preprocess(std::span<const float> picture, int height, int width);  // [3, 224, 224]

}  // namespace svd
