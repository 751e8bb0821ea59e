#include "models/video_transformer.h"

#include <array>

#include "diffusion/schedule.h"
#include "models/config.h"

namespace svd {
namespace {

constexpr float kNormEpsilon = 1e-6f;       // of the GroupNorm in front
constexpr float kLayerNormEpsilon = 1e-5f;  // of the blocks
constexpr std::array<std::string_view, 3> kQkv = {"to_q", "to_k", "to_v"};

// Sinusoids of the frame numbers first ... first + T - 1: [T, C]
Tensor frame_numbers(Backend& b, int64_t first, int64_t frames, int64_t channels) {
  std::vector<float> rows;
  for (int64_t frame = first; frame < first + frames; ++frame) {
    const std::vector<float> row = timestep_embedding(static_cast<float>(frame), static_cast<int>(channels));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return b.upload({frames, channels}, rows);
}

}  // namespace

OneTokenAttention::OneTokenAttention(const WeightScope& w, int64_t channels, int64_t context)
    : to_v(w.vector_linear("to_v", context, channels, Bias::no)),
      to_out_0(w.vector_linear("to_out.0", channels, channels)) {
  w.unused("to_q.weight", {channels, channels});
  w.unused("to_k.weight", {channels, context});
}

Tensor OneTokenAttention::forward(Backend& b, const Tensor& context) const {
  return b.vector_linear(b.vector_linear(context, to_v), to_out_0);
}

SpatialBlock::SpatialBlock(const WeightScope& w, int64_t channels, int64_t context)
    : norm1(w.norm("norm1", channels, kLayerNormEpsilon)),
      attn1_qkv((w / "attn1").stacked(kQkv, channels, channels, Bias::no)),
      attn1_to_out_0(w.linear("attn1.to_out.0", channels, channels)),
      attn2(w / "attn2", channels, context),
      ff(w.feed_forward("norm3", "ff", channels)) {
  w.unused("norm2.weight", {channels});
  w.unused("norm2.bias", {channels});
}

Tensor SpatialBlock::forward(Backend& b, Tensor x, const Tensor& context) const {
  const int64_t heads = x.shape().back() / kUNetHeadWidth;
  const Tensor attended = b.attention(b.linear(x, attn1_qkv, {.layer_norm = &norm1}), heads);  // [T, h, w, C]
  const Tensor described = attn2.forward(b, context);                                          // [1, C]
  x = b.linear(attended, attn1_to_out_0, {.frame_bias = &described, .residual = std::move(x)});
  return b.feed_forward(std::move(x), ff);
}

TemporalBlock::TemporalBlock(const WeightScope& w, int64_t channels, int64_t context)
    : ff_in(w.feed_forward("norm_in", "ff_in", channels)),
      norm1(w.norm("norm1", channels, kLayerNormEpsilon)),
      attn1_qkv((w / "attn1").stacked(kQkv, channels, channels, Bias::no)),
      attn1_to_out_0(w.linear("attn1.to_out.0", channels, channels)),
      attn2(w / "attn2", channels, context),
      ff(w.feed_forward("norm3", "ff", channels)) {
  w.unused("norm2.weight", {channels});
  w.unused("norm2.bias", {channels});
}

Tensor TemporalBlock::forward(Backend& b, const Tensor& x, const Tensor& frame_embedding, const Tensor& context,
                              Blend blend) const {
  const int64_t heads = x.shape().back() / kUNetHeadWidth;
  Tensor h = b.feed_forward(x, ff_in, {.frame_bias = &frame_embedding});                                // [T, h, w, C]
  const Tensor attended = b.temporal_attention(b.linear(h, attn1_qkv, {.layer_norm = &norm1}), heads);  // [T, h, w, C]
  const Tensor described = attn2.forward(b, context);                                                   // [1, C]
  h = b.linear(attended, attn1_to_out_0, {.frame_bias = &described, .residual = std::move(h)});
  return b.feed_forward(std::move(h), ff, {.blend = blend});
}

SpatialVideoTransformer::SpatialVideoTransformer(const WeightScope& w, int64_t channels, int64_t context, int64_t depth)
    : norm(w.norm("norm", channels, kNormEpsilon)),
      proj_in(w.linear("proj_in", channels, channels)),
      time_pos_embed_0(w.vector_linear("time_pos_embed.0", channels, 4 * channels)),
      time_pos_embed_2(w.vector_linear("time_pos_embed.2", 4 * channels, channels)),
      spatial_share(w.mix_factor("time_mixer.mix_factor")),
      proj_out(w.linear("proj_out", channels, channels)) {
  for (int64_t i = 0; i < depth; ++i) {
    transformer_blocks.emplace_back(w / "transformer_blocks" / i, channels, context);
    time_stack.emplace_back(w / "time_stack" / i, channels, context);
  }
}

Tensor SpatialVideoTransformer::forward(Backend& b, const Tensor& x, const Tensor& context, int64_t first_frame) const {
  Tensor h = b.linear(b.group_norm(x, norm), proj_in);  // [T, h, w, C]
  const Tensor frame_embedding =
      b.vector_linear(b.vector_linear(frame_numbers(b, first_frame, x.shape()[0], x.shape().back()), time_pos_embed_0,
                                      {.activation = Activation::silu}),
                      time_pos_embed_2);  // [T, C]
  for (size_t i = 0; i < transformer_blocks.size(); ++i) {
    h = transformer_blocks[i].forward(b, std::move(h), context);
    h = time_stack[i].forward(b, h, frame_embedding, context, {.other = &h, .weight = spatial_share});
  }
  return b.linear(h, proj_out, {.residual = x});
}

}  // namespace svd
