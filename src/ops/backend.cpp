#include "ops/backend.h"

#include <utility>

#include "base/fail.h"

namespace svd {
namespace {

double bytes_of(const Tensor& t) { return static_cast<double>(t.bytes()); }

double bytes_of(const Operand& t) { return t ? bytes_of(t.get()) : 0; }

double bytes_of(DType type, const Shape& shape) {
  return static_cast<double>(shape.numel()) * static_cast<double>(size_of(type));
}

void check(bool condition, std::string_view op, std::string_view expected, const Tensor& found) {
  ensure(condition, "{}: expected {}, found {} {}", op, expected, name_of(found.type()), found.shape().str());
}

void check_activation(const Backend& b, std::string_view op, const Tensor& x, size_t rank = 0) {
  check(x.type() == b.activation_type(), op, fmt::format("an activation of {}", name_of(b.activation_type())), x);
  check(x.shape().rank() >= 2 && (rank == 0 || x.shape().rank() == rank), op,
        rank == 0 ? std::string("two or more dimensions") : fmt::format("{} dimensions", rank), x);
  check(x.shape().numel() > 0, op, "at least one element", x);
}

void check_channels(std::string_view op, const Tensor& x, int64_t channels) {
  check(x.shape().back() == channels, op, fmt::format("{} channels", channels), x);
}

void check_same_shape(std::string_view op, const Tensor& x, const Shape& shape) {
  check(x.shape() == shape, op, fmt::format("the shape of the result, {}", shape.str()), x);
}

void check_frame_bias(std::string_view op, const Tensor* frame_bias, int64_t frames, int64_t channels) {
  if (!frame_bias) return;
  const Shape& s = frame_bias->shape();
  check(frame_bias->type() == DType::f32 && s.rank() == 2 && (s[0] == 1 || s[0] == frames) && s[1] == channels, op,
        fmt::format("a float32 frame_bias of [1 or {}, {}]", frames, channels), *frame_bias);
}

void check_group_norm(std::string_view op, const Tensor& x, const NormWeights& w, const GroupNormOptions& options) {
  check_channels(op, x, w.channels());
  check(w.channels() % kNormGroups == 0, op, fmt::format("channels in {} groups", kNormGroups), x);
  check_frame_bias(op, options.frame_bias, x.shape()[0], w.channels());
  ensure(options.activation != Activation::gelu, "{}: the activation of a GroupNorm is silu or none", op);
}

void check_residual(const Backend& b, std::string_view op, const Operand& residual, const Shape& result) {
  if (!residual) return;
  check_activation(b, op, residual.get());
  check_same_shape(op, residual.get(), result);
}

void check_weight(std::string_view what, const RawWeight& w, const Shape& shape) {
  ensure(w.shape == shape, "{}: expected a weight of {}, found {}", what, shape.str(), w.shape.str());
  ensure(w.type == DType::f32 || w.type == DType::bf16, "{}: weights must be f32 or bf16, found {}", what,
         name_of(w.type));
}

Shape with_channels(const Shape& shape, int64_t channels) { return shape.with(shape.rank() - 1, channels); }

}  // namespace

template <typename Work>
Tensor Backend::observed(OpInfo info, const Work& work) {  // NOLINT(performance-unnecessary-value-param): handed over
  if (!observer_) return work();
  observer_->before(info);
  Tensor result = work();
  observer_->after(info);
  return result;
}

// ---- Weights

Conv2dWeights Backend::pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel, const RawWeight* bias) {
  check_weight("conv2d", kernel, {spec.out_channels, spec.in_channels, spec.kernel, spec.kernel});
  if (bias) check_weight("conv2d bias", *bias, {spec.out_channels});
  return {spec, do_pack_conv2d(spec, kernel, bias)};
}

TemporalConvWeights Backend::pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias, float scale) {
  ensure(kernel.shape.rank() == 5, "temporal_conv: expected a weight [out, in, 3, 1, 1], found {}", kernel.shape.str());
  const int64_t out = kernel.shape[0], in = kernel.shape[1];
  check_weight("temporal_conv", kernel, {out, in, 3, 1, 1});
  check_weight("temporal_conv bias", bias, {out});
  return {in, out, do_pack_temporal_conv(kernel, bias, scale)};
}

LinearWeights Backend::pack_linear(std::span<const RawWeight> matrices, std::span<const RawWeight> biases) {
  ensure(!matrices.empty() && matrices[0].shape.rank() == 2, "linear: expected matrices [out, in]");
  ensure(biases.empty() || biases.size() == matrices.size(), "linear: expected {} biases or none, found {}",
         matrices.size(), biases.size());
  const int64_t in = matrices[0].shape[1];
  int64_t out = 0;
  for (size_t i = 0; i < matrices.size(); ++i) {
    const int64_t rows = matrices[i].shape[0];
    check_weight("linear", matrices[i], {rows, in});
    if (!biases.empty()) check_weight("linear bias", biases[i], {rows});
    out += rows;
  }
  return {in, out, do_pack_linear(matrices, biases)};
}

VectorLinearWeights Backend::pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) {
  ensure(matrix.shape.rank() == 2, "vector_linear: expected a matrix [out, in], found {}", matrix.shape.str());
  check_weight("vector_linear", matrix, matrix.shape);
  if (bias) check_weight("vector_linear bias", *bias, {matrix.shape[0]});
  return {matrix.shape[1], matrix.shape[0], do_pack_vector_linear(matrix, bias)};
}

FeedForwardWeights Backend::pack_feed_forward(NormWeights norm, const RawWeight& w1, const RawWeight& b1,
                                              const RawWeight& w2, const RawWeight& b2) {
  ensure(w2.shape.rank() == 2, "feed_forward: expected a matrix [width, inner], found {}", w2.shape.str());
  const int64_t width = w2.shape[0], inner = w2.shape[1];
  check_weight("feed_forward", w1, {2 * inner, width});
  check_weight("feed_forward", b1, {2 * inner});
  check_weight("feed_forward", w2, {width, inner});
  check_weight("feed_forward", b2, {width});
  ensure(norm.channels() == width, "feed_forward: expected a norm of {} channels, found {}", width, norm.channels());
  return {width, inner, std::move(norm), do_pack_feed_forward(w1, b1, w2, b2)};
}

// ---- The edges of a network

Tensor Backend::to_channels_last(const Tensor& planar) {
  check(planar.type() == DType::f32 && planar.shape().rank() == 4, "to_channels_last", "float32 [N, C, H, W]", planar);
  return observed({"to_channels_last", planar.shape().str(), 0, 2 * bytes_of(planar)},
                  [&] { return do_to_channels_last(planar); });
}

Tensor Backend::to_planar(const Tensor& x) {
  check_activation(*this, "to_planar", x, 4);
  return observed({"to_planar", x.shape().str(), 0, 2 * bytes_of(x)}, [&] { return do_to_planar(x); });
}

Tensor Backend::embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) {
  constexpr std::string_view op = "embed_tokens";
  check_activation(*this, op, patches, 4);
  const Shape& s = patches.shape();
  check(s[0] == 1, op, "one picture", patches);
  check(class_embedding.type() == DType::f32 && class_embedding.shape() == Shape{s[3]}, op,
        fmt::format("a float32 class embedding of [{}]", s[3]), class_embedding);
  check(positions.type() == DType::f32 && positions.shape() == Shape{1 + s[1] * s[2], s[3]}, op,
        fmt::format("float32 positions of [{}, {}]", 1 + s[1] * s[2], s[3]), positions);
  return observed({op, s.str(), 0, 2 * bytes_of(patches)},
                  [&] { return do_embed_tokens(patches, class_embedding, positions); });
}

Tensor Backend::first_token(const Tensor& x) {
  check_activation(*this, "first_token", x, 3);
  check(x.shape()[0] == 1, "first_token", "one picture", x);
  return observed({"first_token", x.shape().str(), 0, 0}, [&] { return do_first_token(x); });
}

// ---- Convolutions

Tensor Backend::conv2d(const Tensor& x, const Conv2dWeights& w, ConvOptions options) {
  constexpr std::string_view op = "conv2d";
  const Conv2dSpec& spec = w.spec;
  check_activation(*this, op, x, 4);
  check_channels(op, x, spec.in_channels);
  if (options.norm) {
    if (!fuses_norms()) {
      const Tensor normed = group_norm(x, *options.norm, options.norm_options);
      return conv2d(normed, w, {.residual = std::move(options.residual)});
    }
    check_group_norm(op, x, *options.norm, options.norm_options);
  }
  const int64_t zoom = spec.upsample ? 2 : 1;
  const int64_t grown = spec.pad_before + spec.pad_after - spec.kernel;
  const int64_t height = x.shape()[1] * zoom + grown, width = x.shape()[2] * zoom + grown;
  check(height >= 0 && width >= 0, op, fmt::format("at least {0}x{0} pixels", spec.kernel), x);
  const Shape result{x.shape()[0], height / spec.stride + 1, width / spec.stride + 1, spec.out_channels};
  check_residual(*this, op, options.residual, result);
  const double weights = static_cast<double>(spec.kernel * spec.kernel * spec.in_channels);
  OpInfo info{op,
              fmt::format("{0}x{0}{1}{2} {3} -> {4}{5}", spec.kernel, spec.stride > 1 ? " stride " : "",
                          spec.stride > 1 ? std::to_string(spec.stride)
                          : spec.upsample ? " upsample"
                                          : "",
                          x.shape().str(), spec.out_channels, options.norm ? " normed" : ""),
              2 * weights * static_cast<double>(result.numel()),
              (options.norm ? 2 : 1) * bytes_of(x) + bytes_of(x.type(), result) + bytes_of(options.residual) +
                  weights * static_cast<double>(spec.out_channels) * static_cast<double>(size_of(x.type()))};
  return observed(std::move(info), [&] { return do_conv2d(x, w, result, std::move(options)); });
}

Tensor Backend::temporal_conv(const Tensor& x, const TemporalConvWeights& w, ConvOptions options) {
  constexpr std::string_view op = "temporal_conv";
  check_activation(*this, op, x, 4);
  check_channels(op, x, w.in_channels);
  if (options.norm) {
    if (!fuses_norms()) {
      const Tensor normed = group_norm(x, *options.norm, options.norm_options);
      return temporal_conv(normed, w, {.residual = std::move(options.residual)});
    }
    check_group_norm(op, x, *options.norm, options.norm_options);
  }
  const Shape result = with_channels(x.shape(), w.out_channels);
  check_residual(*this, op, options.residual, result);
  // Every frame counts three products, as in a convolution over padded frames.
  const double weights = 3 * static_cast<double>(w.in_channels);
  OpInfo info{op, fmt::format("(3,1,1) {} -> {}{}", x.shape().str(), w.out_channels, options.norm ? " normed" : ""),
              2 * weights * static_cast<double>(result.numel()),
              (options.norm ? 2 : 1) * bytes_of(x) + bytes_of(x.type(), result) + bytes_of(options.residual) +
                  weights * static_cast<double>(w.out_channels) * static_cast<double>(size_of(x.type()))};
  return observed(std::move(info), [&] { return do_temporal_conv(x, w, result, std::move(options)); });
}

// ---- Products

Tensor Backend::linear(const Tensor& x, const LinearWeights& w, LinearOptions options) {
  constexpr std::string_view op = "linear";
  check_activation(*this, op, x);
  check_channels(op, x, w.in_features);
  if (options.layer_norm) check_channels("linear's layer norm", x, options.layer_norm->channels());
  const Shape result = with_channels(x.shape(), w.out_features);
  check_frame_bias(op, options.frame_bias, x.shape()[0], w.out_features);
  check_residual(*this, op, options.residual, result);
  const double weights = static_cast<double>(w.in_features) * static_cast<double>(w.out_features);
  OpInfo info{op, fmt::format("{} -> {}{}", x.shape().str(), w.out_features, options.layer_norm ? " normed" : ""),
              2 * weights * static_cast<double>(x.shape().rows()),
              bytes_of(x) + bytes_of(x.type(), result) + bytes_of(options.residual) +
                  weights * static_cast<double>(size_of(x.type()))};
  return observed(std::move(info), [&] { return do_linear(x, w, result, std::move(options)); });
}

Tensor Backend::vector_linear(const Tensor& x, const VectorLinearWeights& w, VectorLinearOptions options) {
  constexpr std::string_view op = "vector_linear";
  check(x.type() == DType::f32 && x.shape().rank() == 2, op, "float32 [rows, features]", x);
  check_channels(op, x, w.in_features);
  const Shape result{x.shape()[0], w.out_features};
  if (options.residual) {
    check(options.residual->type() == DType::f32, op, "a float32 residual", *options.residual);
    check_same_shape(op, *options.residual, result);
  }
  ensure(options.activation != Activation::gelu, "vector_linear: the activation is silu or none");
  const double weights = static_cast<double>(w.in_features) * static_cast<double>(w.out_features);
  OpInfo info{op, fmt::format("{} -> {}", x.shape().str(), w.out_features),
              2 * weights * static_cast<double>(x.shape()[0]),
              weights * static_cast<double>(size_of(activation_type()))};
  return observed(std::move(info), [&] { return do_vector_linear(x, w, options); });
}

Tensor Backend::feed_forward(Operand x, const FeedForwardWeights& w, FeedForwardOptions options) {
  constexpr std::string_view op = "feed_forward";
  check_activation(*this, op, x.get());
  check_channels(op, x.get(), w.width);
  const Shape shape = x.get().shape();
  check_frame_bias(op, options.frame_bias, shape[0], w.width);
  if (options.blend.other) {
    check_activation(*this, op, *options.blend.other);
    check_same_shape(op, *options.blend.other, shape);
  }
  const double weights = 3 * static_cast<double>(w.width) * static_cast<double>(w.inner);
  OpInfo info{
      op, fmt::format("{} through {}", shape.str(), w.inner), 2 * weights * static_cast<double>(shape.rows()),
      (options.blend.other ? 3 : 2) * bytes_of(x.get()) + weights * static_cast<double>(size_of(x.get().type()))};
  return observed(std::move(info), [&] { return do_feed_forward(std::move(x), w, options); });
}

// ---- Normalisation

Tensor Backend::group_norm(const Tensor& x, const NormWeights& w, GroupNormOptions options) {
  constexpr std::string_view op = "group_norm";
  check_activation(*this, op, x);
  check_group_norm(op, x, w, options);
  const bool all = options.span == NormSpan::all_frames;
  OpInfo info{op,
              fmt::format("{}{}{}", x.shape().str(), all ? " all frames" : "",
                          options.activation == Activation::silu ? " silu" : ""),
              0, 3 * bytes_of(x)};
  return observed(std::move(info), [&] { return do_group_norm(x, w, options); });
}

Tensor Backend::layer_norm(const Tensor& x, const NormWeights& w) {
  constexpr std::string_view op = "layer_norm";
  check(x.type() == activation_type() || x.type() == DType::f32, op, "an activation or float32", x);
  check_channels(op, x, w.channels());
  return observed({op, x.shape().str(), 0, 2 * bytes_of(x)}, [&] { return do_layer_norm(x, w); });
}

// ---- Attention

namespace {

struct AttentionSizes {
  int64_t frames, tokens, channels;
  Shape result;
};

AttentionSizes attention_sizes(const Backend& b, std::string_view op, const Tensor& qkv, int64_t heads) {
  check_activation(b, op, qkv);
  const Shape& s = qkv.shape();
  check(heads > 0 && s.back() % (3 * heads) == 0, op, fmt::format("channels for q, k and v of {} heads", heads), qkv);
  const int64_t channels = s.back() / 3;
  const int64_t frames = s[0];
  return {frames, frames == 0 ? 0 : s.rows() / frames, channels, with_channels(s, channels)};
}

}  // namespace

Tensor Backend::attention(const Tensor& qkv, int64_t heads) {
  const AttentionSizes s = attention_sizes(*this, "attention", qkv, heads);
  const double pairs = static_cast<double>(s.frames) * static_cast<double>(s.tokens) * static_cast<double>(s.tokens);
  OpInfo info{"attention",
              fmt::format("{} frames, {} tokens, {} heads of {}", s.frames, s.tokens, heads, s.channels / heads),
              4 * pairs * static_cast<double>(s.channels), bytes_of(qkv) * 4 / 3, pairs * static_cast<double>(heads)};
  return observed(std::move(info), [&] { return do_attention(qkv, s.result, heads); });
}

Tensor Backend::temporal_attention(const Tensor& qkv, int64_t heads) {
  const AttentionSizes s = attention_sizes(*this, "temporal_attention", qkv, heads);
  const double pairs = static_cast<double>(s.tokens) * static_cast<double>(s.frames) * static_cast<double>(s.frames);
  OpInfo info{"temporal_attention",
              fmt::format("{} positions, {} frames, {} heads of {}", s.tokens, s.frames, heads, s.channels / heads),
              4 * pairs * static_cast<double>(s.channels), bytes_of(qkv) * 4 / 3, pairs * static_cast<double>(heads)};
  return observed(std::move(info), [&] { return do_temporal_attention(qkv, s.result, heads); });
}

// ---- Rearrangement

Tensor Backend::concat_channels(const Tensor& a, const Tensor& b) {
  constexpr std::string_view op = "concat_channels";
  check_activation(*this, op, a);
  check_activation(*this, op, b);
  check_same_shape(op, b, with_channels(a.shape(), b.shape().back()));
  const Shape result = with_channels(a.shape(), a.shape().back() + b.shape().back());
  return observed({op, fmt::format("{} + {}", a.shape().str(), b.shape().back()), 0, 2 * (bytes_of(a) + bytes_of(b))},
                  [&] { return do_concat_channels(a, b, result); });
}

void Backend::place_frames(const Tensor& x, int64_t first, Tensor& whole) {
  constexpr std::string_view op = "place_frames";
  check(x.type() == whole.type() && x.shape().rank() >= 1, op, fmt::format("a tensor of {}", name_of(whole.type())), x);
  Tensor target = whole.frames(first, x.shape()[0]);
  check_same_shape(op, x, target.shape());
  const OpInfo info{op, fmt::format("{} into {}", x.shape().str(), whole.shape()[0]), 0, 2 * bytes_of(x)};
  if (observer_) observer_->before(info);
  do_copy(x, target);
  if (observer_) observer_->after(info);
}

}  // namespace svd
