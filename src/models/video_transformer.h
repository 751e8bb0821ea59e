// The transformer of the VideoUNet: attention within frames, then among frames at each position.
#pragma once

#include <vector>

#include "models/weight_scope.h"

namespace svd {

// Attention to the one token that describes the picture. A softmax over one key is 1, so the result is the same
// vector for every query, to_out(to_v(context)): neither the queries nor the keys nor the norm before them matter.
struct OneTokenAttention {
  OneTokenAttention(const WeightScope& w, int64_t channels, int64_t context);
  Tensor forward(Backend& b, const Tensor& context) const;  // [1, D] -> [1, C]

  VectorLinearWeights to_v;
  VectorLinearWeights to_out_0;
};

// Among the tokens of a frame.
struct SpatialBlock {
  SpatialBlock(const WeightScope& w, int64_t channels, int64_t context);
  Tensor forward(Backend& b, Tensor x, const Tensor& context) const;  // [T, h, w, C] -> [T, h, w, C]

  NormWeights norm1;
  LinearWeights attn1_qkv;  // to_q, to_k, to_v
  LinearWeights attn1_to_out_0;
  OneTokenAttention attn2;
  FeedForwardWeights ff;  // with norm3
};

// Among the frames at a position.
struct TemporalBlock {
  TemporalBlock(const WeightScope& w, int64_t channels, int64_t context);
  // x [T, h, w, C], frame_embedding [T, C] -> blend of the result [T, h, w, C]
  Tensor forward(Backend& b, const Tensor& x, const Tensor& frame_embedding, const Tensor& context, Blend blend) const;

  FeedForwardWeights ff_in;  // with norm_in
  NormWeights norm1;
  LinearWeights attn1_qkv;
  LinearWeights attn1_to_out_0;
  OneTokenAttention attn2;
  FeedForwardWeights ff;  // with norm3
};

struct SpatialVideoTransformer {
  SpatialVideoTransformer(const WeightScope& w, int64_t channels, int64_t context, int64_t depth);

  // x [T, h, w, C], context [1, D] -> [T, h, w, C]. first_frame: the number of x's first frame in its video.
  Tensor forward(Backend& b, const Tensor& x, const Tensor& context, int64_t first_frame) const;

  NormWeights norm;
  LinearWeights proj_in;
  std::vector<SpatialBlock> transformer_blocks;
  std::vector<TemporalBlock> time_stack;
  VectorLinearWeights time_pos_embed_0;
  VectorLinearWeights time_pos_embed_2;
  float spatial_share;  // sigmoid(time_mixer.mix_factor)
  LinearWeights proj_out;
};

}  // namespace svd
