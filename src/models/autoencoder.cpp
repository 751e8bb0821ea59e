#include "models/autoencoder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "models/by_frames.h"

namespace svd {
namespace {

constexpr float kEpsilon = 1e-6f;          // of the picture's norms
constexpr float kTemporalEpsilon = 1e-5f;  // of the norms over frames

constexpr GroupNormOptions kNormSilu{.activation = Activation::silu};
constexpr GroupNormOptions kNormSiluAllFrames{.span = NormSpan::all_frames, .activation = Activation::silu};

Conv2dSpec conv3x3(int64_t in, int64_t out) { return {.in_channels = in, .out_channels = out}; }

Conv2dSpec upsampling(int64_t channels) {
  return {.in_channels = channels, .out_channels = channels, .upsample = true};
}

// Halves the picture. The padding is one-sided: a zero row below and a zero column to the right.
Conv2dSpec downsampling(int64_t channels) {
  return {.in_channels = channels, .out_channels = channels, .stride = 2, .pad_before = 0, .pad_after = 1};
}

}  // namespace

AutoencoderResBlock::TimeStack::TimeStack(const WeightScope& w, int64_t channels, float share)
    : in_layers_0(w.norm("in_layers.0", channels, kTemporalEpsilon)),
      in_layers_2(w.temporal_conv("in_layers.2", channels, channels)),
      out_layers_0(w.norm("out_layers.0", channels, kTemporalEpsilon)),
      out_layers_3(w.temporal_conv("out_layers.3", channels, channels, share)) {}

AutoencoderResBlock::AutoencoderResBlock(const WeightScope& w, int64_t in, int64_t out, Temporal temporal)
    : norm1(w.norm("norm1", in, kEpsilon)),
      conv1(w.conv2d("conv1", conv3x3(in, out))),
      norm2(w.norm("norm2", out, kEpsilon)),
      conv2(w.conv2d("conv2", conv3x3(out, out))) {
  if (in != out) nin_shortcut = w.pointwise("nin_shortcut", in, out);
  // a (s + f(s)) + (1 - a) s, with a = sigmoid(mix_factor) and f the temporal branch, is s + a f(s).
  if (temporal == Temporal::yes) time_stack.emplace(w / "time_stack", out, w.mix_factor("mix_factor"));
}

Tensor AutoencoderResBlock::forward(Backend& b, Tensor x) const { return temporal(b, spatial(b, std::move(x))); }

Tensor AutoencoderResBlock::spatial(Backend& b, Tensor x) const {
  const Tensor h = b.conv2d(x, conv1, {.norm = &norm1, .norm_options = kNormSilu});  // [T, H, W, out]
  Operand shortcut = nin_shortcut ? b.linear(x, *nin_shortcut) : std::move(x);       // [T, H, W, out]
  x = {};
  return b.conv2d(h, conv2, {.norm = &norm2, .norm_options = kNormSilu, .residual = std::move(shortcut)});
}

Tensor AutoencoderResBlock::temporal(Backend& b, Tensor h) const {
  if (!time_stack) return h;
  const TimeStack& t = *time_stack;
  const Tensor g = b.temporal_conv(h, t.in_layers_2,
                                   {.norm = &t.in_layers_0, .norm_options = kNormSiluAllFrames});  // [T, H, W, out]
  return b.temporal_conv(g, t.out_layers_3,
                         {.norm = &t.out_layers_0, .norm_options = kNormSiluAllFrames, .residual = std::move(h)});
}

AutoencoderAttention::AutoencoderAttention(const WeightScope& w, int64_t channels)
    : norm(w.norm("norm", channels, kEpsilon)),
      qkv(w.stacked_pointwise(std::array<std::string_view, 3>{"q", "k", "v"}, channels, channels)),
      proj_out(w.pointwise("proj_out", channels, channels)) {}

Tensor AutoencoderAttention::forward(Backend& b, Tensor x) const {
  const Tensor attended = b.attention(b.linear(b.group_norm(x, norm), qkv), 1);  // [T, H, W, C]
  return b.linear(attended, proj_out, {.residual = std::move(x)});
}

AutoencoderMiddle::AutoencoderMiddle(const WeightScope& w, int64_t channels, Temporal temporal)
    : block_1(w / "block_1", channels, channels, temporal),
      attn_1(w / "attn_1", channels),
      block_2(w / "block_2", channels, channels, temporal) {}

Tensor AutoencoderMiddle::forward(Backend& b, Tensor x) const {
  return block_2.forward(b, attn_1.forward(b, block_1.forward(b, std::move(x))));
}

AutoencoderEncoder::AutoencoderEncoder(const WeightScope& w, const AutoencoderConfig& c)
    : conv_in(w.conv2d("encoder.conv_in", conv3x3(3, c.level_channels.front()), Bias::yes, WeightRole::edge)),
      mid(w / "encoder.mid", c.level_channels.back(), Temporal::no),
      norm_out(w.norm("encoder.norm_out", c.level_channels.back(), kEpsilon)),
      conv_out(w.conv2d("encoder.conv_out", conv3x3(c.level_channels.back(), 2 * c.latent_channels), Bias::yes,
                        WeightRole::edge)) {
  int64_t width = c.level_channels.front();
  for (size_t i = 0; i < c.level_channels.size(); ++i) {
    const WeightScope scope = w / "encoder.down" / static_cast<int64_t>(i);
    Level& level = down.emplace_back();
    for (int64_t j = 0; j < c.res_blocks; ++j) {
      level.block.emplace_back(scope / "block" / j, width, c.level_channels[i], Temporal::no);
      width = c.level_channels[i];
    }
    if (i + 1 < c.level_channels.size()) level.downsample = scope.conv2d("downsample.conv", downsampling(width));
  }
  if (c.quant_convs)
    quant_conv = w.pointwise("quant_conv", 2 * c.latent_channels, 2 * c.latent_channels, WeightRole::edge);
}

Tensor AutoencoderEncoder::forward(Backend& b, const Tensor& pictures) const {
  Tensor h = b.conv2d(b.to_channels_last(pictures), conv_in);  // [N, H, W, C0]
  for (const Level& level : down) {
    for (const AutoencoderResBlock& block : level.block) h = block.forward(b, std::move(h));
    if (level.downsample) h = b.conv2d(h, *level.downsample);
  }
  h = mid.forward(b, std::move(h));                                           // [N, H/8, W/8, C]
  h = b.conv2d(h, conv_out, {.norm = &norm_out, .norm_options = kNormSilu});  // [N, H/8, W/8, 2 z]
  if (quant_conv) h = b.linear(h, *quant_conv);
  return b.to_planar(h);
}

AutoencoderDecoder::AutoencoderDecoder(const WeightScope& w, const AutoencoderConfig& c)
    : conv_in(w.conv2d("decoder.conv_in", conv3x3(c.latent_channels, c.level_channels.back()), Bias::yes,
                       WeightRole::edge)),
      mid(w / "decoder.mid", c.level_channels.back(), c.temporal_decoder ? Temporal::yes : Temporal::no),
      norm_out(w.norm("decoder.norm_out", c.level_channels.front(), kEpsilon)),
      conv_out(w.conv2d("decoder.conv_out", conv3x3(c.level_channels.front(), 3), Bias::yes, WeightRole::edge)) {
  if (c.quant_convs)
    post_quant_conv = w.pointwise("post_quant_conv", c.latent_channels, c.latent_channels, WeightRole::edge);
  int64_t width = c.level_channels.back();
  up.resize(c.level_channels.size());
  for (size_t i = up.size(); i-- > 0;) {
    const WeightScope scope = w / "decoder.up" / static_cast<int64_t>(i);
    for (int64_t j = 0; j < c.res_blocks + 1; ++j) {
      up[i].block.emplace_back(scope / "block" / j, width, c.level_channels[i],
                               c.temporal_decoder ? Temporal::yes : Temporal::no);
      width = c.level_channels[i];
    }
    if (i > 0) up[i].upsample = scope.conv2d("upsample.conv", upsampling(width));
  }
  if (c.temporal_decoder)
    time_mix_conv = w.temporal_conv("decoder.conv_out.time_mix_conv", 3, 3, 1.0f, WeightRole::edge);
}

Tensor AutoencoderDecoder::forward(Backend& b, const Tensor& latents) const {
  if (time_mix_conv) return decode(b, latents);
  return by_frames(b, latents, 1, [&](const Tensor& frame) { return decode(b, frame); });
}

Tensor AutoencoderDecoder::decode(Backend& b, const Tensor& latents) const {
  Tensor h = b.to_channels_last(latents);  // [T, h, w, z]
  if (post_quant_conv) h = b.linear(h, *post_quant_conv);
  h = mid.forward(b, b.conv2d(h, conv_in));  // [T, h, w, C]
  const Conv2dWeights* upsample = nullptr;   // of the level before
  for (auto level = up.rbegin(); level != up.rend(); ++level) {
    const AutoencoderResBlock& first = level->block.front();
    if (upsample) {
      // The enlarged frames are the largest tensors of all, and have twice the channels of what follows: they live
      // frame by frame.
      const Shape& s = h.shape();
      const int64_t at_a_time = std::max<int64_t>(1, enlarged_elements / (4 * s[1] * s[2] * s[3]));
      h = by_frames(b, h, at_a_time, [&](const Tensor& part) { return first.spatial(b, b.conv2d(part, *upsample)); });
      h = first.temporal(b, std::move(h));
    } else {
      h = first.forward(b, std::move(h));
    }
    for (size_t i = 1; i < level->block.size(); ++i) h = level->block[i].forward(b, std::move(h));
    upsample = level->upsample ? &*level->upsample : nullptr;
  }
  h = b.conv2d(h, conv_out, {.norm = &norm_out, .norm_options = kNormSilu});  // [T, H, W, 3]
  if (time_mix_conv) h = b.temporal_conv(h, *time_mix_conv);
  return b.to_planar(h);
}

}  // namespace svd
