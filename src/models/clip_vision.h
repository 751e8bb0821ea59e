// The image tower of CLIP ViT-H/14 (Radford et al. 2021; OpenCLIP), which tells the network what the picture shows.
#pragma once

#include <vector>

#include "models/config.h"
#include "models/weight_scope.h"

namespace svd {

struct ClipResidualBlock {
  ClipResidualBlock(const WeightScope& w, int64_t width);
  Tensor forward(Backend& b, Tensor x) const;  // [1, N, W] -> [1, N, W]

  NormWeights ln_1;
  LinearWeights attn_in_proj;  // W -> q, k, v
  LinearWeights attn_out_proj;
  NormWeights ln_2;
  LinearWeights mlp_c_fc;    // W -> 4 W
  LinearWeights mlp_c_proj;  // 4 W -> W
};

// Immutable after construction; forward() is as thread-safe as the backend, which must outlive it.
struct ClipVision {
  ClipVision(const WeightScope& w, const ClipVisionConfig& config);

  // A preprocessed picture [1, 3, S, S] in float32 -> embedding [1, E] in float32.
  Tensor forward(Backend& b, const Tensor& picture) const;

  Conv2dWeights conv1;          // patches
  Tensor class_embedding;       // [W]
  Tensor positional_embedding;  // [1 + (S / patch)^2, W]
  NormWeights ln_pre;
  std::vector<ClipResidualBlock> resblocks;
  NormWeights ln_post;
  VectorLinearWeights proj;  // W -> E
};

}  // namespace svd
