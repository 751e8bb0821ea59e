// The residual block of the VideoUNet: within frames, then over neighbouring frames, blended by a learned share.
#pragma once

#include <optional>

#include "models/weight_scope.h"

namespace svd {

struct VideoResBlock {
  VideoResBlock(const WeightScope& w, int64_t in, int64_t out, int64_t embedding);

  // x [T, h, w, in], silu_emb [1, E]: SiLU of the time embedding -> [T, h, w, out]
  Tensor forward(Backend& b, const Tensor& x, const Tensor& silu_emb) const;

  NormWeights in_layers_0;
  Conv2dWeights in_layers_2;
  VectorLinearWeights emb_layers_1;
  NormWeights out_layers_0;
  Conv2dWeights out_layers_3;
  std::optional<LinearWeights> skip_connection;  // where the widths differ

  struct TimeStack {
    TimeStack(const WeightScope& w, int64_t channels, int64_t embedding, float share);
    NormWeights in_layers_0;
    TemporalConvWeights in_layers_2;
    VectorLinearWeights emb_layers_1;
    NormWeights out_layers_0;
    TemporalConvWeights out_layers_3;  // times the share of the temporal branch
  } time_stack;
};

}  // namespace svd
