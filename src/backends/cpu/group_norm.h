// GroupNorm as what it is once its statistics are known: a scale and an offset per channel.
#pragma once

#include <vector>

#include "backends/cpu/operations.h"

namespace svd::cpu {

// y = scale (x - mean) + offset
struct ChannelAffine {
  std::vector<float> mean, scale, offset;  // [C]
};

// One for each frame of x [T, ..., C]; options.activation is not part of it.
std::vector<ChannelAffine> group_norm_affine(const Runtime& runtime, const Tensor& x, const NormWeights& w,
                                             const GroupNormOptions& options);

}  // namespace svd::cpu
