// GroupNorm as what it is once its statistics are known: a scale and an offset per channel.
#pragma once

#include <array>
#include <vector>

#include "backends/cpu/operations.h"

namespace svd::cpu {

struct GroupMoments {
  std::array<double, kNormGroups> mean, variance;
};

// Of x [T, ..., C] with its frame bias: one per frame, or a single one over all frames.
std::vector<GroupMoments> group_moments(const Runtime& runtime, const Tensor& x, const GroupNormOptions& options);

// y = scale (x - mean) + offset
struct ChannelAffine {
  std::vector<float> mean, scale, offset;  // [C]
};

// One for each frame of x [T, ..., C], from the options' moments or else its own; options.activation is not part of it.
std::vector<ChannelAffine> group_norm_affine(const Runtime& runtime, const Tensor& x, const NormWeights& w,
                                             const GroupNormOptions& options);

}  // namespace svd::cpu
