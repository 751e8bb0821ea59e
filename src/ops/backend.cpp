#include "ops/backend.h"

#include "base/fail.h"
#include "ops/checks.h"

namespace svd {

using namespace checks;

// ---- Memory

Tensor Backend::allocate(const Shape& shape, DType type) { return do_allocate(shape, type); }

Tensor Backend::upload(const Shape& shape, std::span<const float> values, DType type) {
  ensure(values.size() == static_cast<size_t>(shape.numel()), "upload: {} values for {}", values.size(), shape.str());
  Tensor t = do_allocate(shape, type);
  do_upload(values, t);
  return t;
}

void Backend::download(const Tensor& x, std::span<float> values) {
  check_memory(*this, "download", x);
  check(x.type() != DType::u8 && values.size() == static_cast<size_t>(x.shape().numel()), "download",
        fmt::format("{} floating-point values", values.size()), x);
  do_download(x, values);
}

std::vector<float> Backend::download(const Tensor& x) {
  std::vector<float> values(static_cast<size_t>(x.shape().numel()));
  download(x, values);
  return values;
}

// ---- Weights

NormWeights Backend::pack_norm(const RawWeight& gamma, const RawWeight& beta, float epsilon) {
  ensure(gamma.shape.rank() == 1, "norm: expected a weight [channels], found {}", gamma.shape.str());
  const int64_t channels = gamma.shape[0];
  check_weight("norm", gamma, {channels});
  check_weight("norm bias", beta, {channels});
  return {channels, epsilon, do_pack_norm(gamma, beta)};
}

Tensor Backend::pack_table(const RawWeight& values) {
  check_weight("table", values, values.shape);
  return plans_only() ? do_allocate(values.shape, DType::f32) : upload(values.shape, to_floats(values));
}

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
  ensure(norm.channels == width, "feed_forward: expected a norm of {} channels, found {}", width, norm.channels);
  return {width, inner, std::move(norm), do_pack_feed_forward(w1, b1, w2, b2)};
}

// ---- The edges of a network

Tensor Backend::to_channels_last(const Tensor& planar) {
  check_memory(*this, "to_channels_last", planar);
  check(planar.type() == DType::f32 && planar.shape().rank() == 4, "to_channels_last", "float32 [N, C, H, W]", planar);
  return observed({"to_channels_last", planar.shape().str(), 0, 2 * bytes_of(planar)},
                  [&] { return do_to_channels_last(planar); });
}

Tensor Backend::to_planar(const Tensor& x) {
  check_operand(*this, "to_planar", x, 4);
  return observed({"to_planar", x.shape().str(), 0, 2 * bytes_of(x)}, [&] { return do_to_planar(x); });
}

Tensor Backend::embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) {
  constexpr std::string_view op = "embed_tokens";
  check_operand(*this, op, patches, 4);
  const Shape& s = patches.shape();
  check(s[0] == 1, op, "one image", patches);
  check_memory(*this, op, class_embedding);
  check_memory(*this, op, positions);
  check(class_embedding.type() == DType::f32 && class_embedding.shape() == Shape{s[3]}, op,
        fmt::format("a float32 class embedding of [{}]", s[3]), class_embedding);
  check(positions.type() == DType::f32 && positions.shape() == Shape{1 + s[1] * s[2], s[3]}, op,
        fmt::format("float32 positions of [{}, {}]", 1 + s[1] * s[2], s[3]), positions);
  return observed({op, s.str(), 0, 2 * bytes_of(patches)},
                  [&] { return do_embed_tokens(patches, class_embedding, positions); });
}

Tensor Backend::first_token(const Tensor& x) {
  check_operand(*this, "first_token", x, 3);
  check(x.shape()[0] == 1, "first_token", "one image", x);
  return observed({"first_token", x.shape().str(), 0, 0}, [&] { return do_first_token(x); });
}

// ---- Rearrangement

Tensor Backend::concat_channels(const Tensor& a, const Tensor& b) {
  constexpr std::string_view op = "concat_channels";
  check_operand(*this, op, a);
  check_operand(*this, op, b);
  check_same_shape(op, b, with_channels(a.shape(), b.shape().back()));
  const Shape result = with_channels(a.shape(), a.shape().back() + b.shape().back());
  return observed({op, fmt::format("{} + {}", a.shape().str(), b.shape().back()), 0, 2 * (bytes_of(a) + bytes_of(b))},
                  [&] { return do_concat_channels(a, b, result); });
}

void Backend::place_frames(const Tensor& x, int64_t first, Tensor& whole) {
  constexpr std::string_view op = "place_frames";
  check_memory(*this, op, x);
  check_memory(*this, op, whole);
  check(x.type() == whole.type() && x.shape().rank() >= 1, op, fmt::format("a tensor of {}", name_of(whole.type())), x);
  const int64_t count = x.shape()[0];
  check(count > 0 && first >= 0 && first + count <= whole.shape()[0] && x.shape() == whole.shape().with(0, count), op,
        fmt::format("entries from {} on of {}", first, whole.shape().str()), x);
  const OpInfo info{op, fmt::format("{} into {}", x.shape().str(), whole.shape()[0]), 0, 2 * bytes_of(x)};
  if (observer_) observer_->before(info);
  do_place_frames(x, first, whole);
  if (observer_) {
    if (observer_->times()) finish();
    observer_->after(info);
  }
}

}  // namespace svd
