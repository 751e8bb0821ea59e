#include "models/clip_vision.h"

namespace svd {
namespace {

constexpr float kEpsilon = 1e-5f;

}  // namespace

ClipResidualBlock::ClipResidualBlock(const WeightScope& w, int64_t width)
    : ln_1(w.norm("ln_1", width, kEpsilon)),
      attn_in_proj((w / "attn").linear_tensors("in_proj_weight", "in_proj_bias", width, 3 * width)),
      attn_out_proj(w.linear("attn.out_proj", width, width)),
      ln_2(w.norm("ln_2", width, kEpsilon)),
      mlp_c_fc(w.linear("mlp.c_fc", width, 4 * width, Bias::yes, WeightRole::feed_forward)),
      mlp_c_proj(w.linear("mlp.c_proj", 4 * width, width, Bias::yes, WeightRole::feed_forward)) {}

Tensor ClipResidualBlock::forward(Backend& b, Tensor x) const {
  const int64_t heads = x.shape().back() / kClipHeadWidth;
  const Tensor attended = b.attention(b.linear(x, attn_in_proj, {.layer_norm = &ln_1}), heads);  // [1, N, W]
  x = b.linear(attended, attn_out_proj, {.residual = std::move(x)});
  const Tensor hidden = b.linear(x, mlp_c_fc, {.layer_norm = &ln_2, .activation = Activation::gelu});  // [1, N, 4 W]
  return b.linear(hidden, mlp_c_proj, {.residual = std::move(x)});
}

ClipVision::ClipVision(const WeightScope& w, const ClipVisionConfig& c)
    : conv1(w.conv2d("conv1",
                     {.in_channels = 3,
                      .out_channels = c.width,
                      .kernel = c.patch,
                      .stride = c.patch,
                      .pad_before = 0,
                      .pad_after = 0},
                     Bias::no, WeightRole::edge)),
      class_embedding(w.table("class_embedding", {c.width})),
      positional_embedding(
          w.table("positional_embedding", {1 + (c.image_size / c.patch) * (c.image_size / c.patch), c.width})),
      ln_pre(w.norm("ln_pre", c.width, kEpsilon)),
      ln_post(w.norm("ln_post", c.width, kEpsilon)),
      proj(w.transposed_vector_linear("proj", c.width, c.embedding)) {
  for (int64_t i = 0; i < c.layers; ++i) resblocks.emplace_back(w / "transformer.resblocks" / i, c.width);
}

Tensor ClipVision::forward(Backend& b, const Tensor& picture) const {
  const Tensor patches = b.conv2d(b.to_channels_last(picture), conv1);                              // [1, g, g, W]
  Tensor x = b.layer_norm(b.embed_tokens(patches, class_embedding, positional_embedding), ln_pre);  // [1, 1 + g*g, W]
  for (const ClipResidualBlock& block : resblocks) x = block.forward(b, std::move(x));
  return b.vector_linear(b.layer_norm(b.first_token(x), ln_post), proj);  // [1, E]
}

}  // namespace svd
