#include "models/video_res_block.h"

namespace svd {
namespace {

constexpr float kEpsilon = 1e-5f;

}  // namespace

VideoResBlock::TimeStack::TimeStack(const WeightScope& w, int64_t channels, int64_t embedding, float share)
    : in_layers_0(w.norm("in_layers.0", channels, kEpsilon)),
      in_layers_2(w.temporal_conv("in_layers.2", channels, channels)),
      emb_layers_1(w.vector_linear("emb_layers.1", embedding, channels)),
      out_layers_0(w.norm("out_layers.0", channels, kEpsilon)),
      out_layers_3(w.temporal_conv("out_layers.3", channels, channels, share)) {}

// a s + (1 - a) (s + f(s)), with a = sigmoid(mix_factor), s the spatial result and f the temporal branch, is
// s + (1 - a) f(s): the share goes into the branch's last weights and the blend costs nothing.
VideoResBlock::VideoResBlock(const WeightScope& w, int64_t in, int64_t out, int64_t embedding)
    : in_layers_0(w.norm("in_layers.0", in, kEpsilon)),
      in_layers_2(w.conv2d("in_layers.2", {.in_channels = in, .out_channels = out})),
      emb_layers_1(w.vector_linear("emb_layers.1", embedding, out)),
      out_layers_0(w.norm("out_layers.0", out, kEpsilon)),
      out_layers_3(w.conv2d("out_layers.3", {.in_channels = out, .out_channels = out})),
      time_stack(w / "time_stack", out, embedding, 1.0f - w.mix_factor("time_mixer.mix_factor")) {
  if (in != out) skip_connection = w.pointwise("skip_connection", in, out);
}

Tensor VideoResBlock::forward(Backend& b, const Tensor& x, const Tensor& silu_emb) const {
  constexpr GroupNormOptions silu{.activation = Activation::silu};
  Tensor h = b.conv2d(x, in_layers_2, {.norm = &in_layers_0, .norm_options = silu});     // [T, h, w, out]
  const Tensor emb = b.vector_linear(silu_emb, emb_layers_1);                            // [1, out]
  Operand skip = skip_connection ? Operand(b.linear(x, *skip_connection)) : Operand(x);  // [T, h, w, out]
  h = b.conv2d(h, out_layers_3,
               {.norm = &out_layers_0,
                .norm_options = {.activation = Activation::silu, .frame_bias = &emb},
                .residual = std::move(skip)});

  const TimeStack& t = time_stack;
  GroupNormOptions all{.span = NormSpan::all_frames, .activation = Activation::silu};
  const Tensor g = b.temporal_conv(h, t.in_layers_2, {.norm = &t.in_layers_0, .norm_options = all});  // [T, h, w, out]
  const Tensor time_emb = b.vector_linear(silu_emb, t.emb_layers_1);                                  // [1, out]
  all.frame_bias = &time_emb;
  return b.temporal_conv(g, t.out_layers_3, {.norm = &t.out_layers_0, .norm_options = all, .residual = std::move(h)});
}

}  // namespace svd
