#include "ops/checks.h"

#include "base/fail.h"

namespace svd::checks {

double bytes_of(const Tensor& t) { return static_cast<double>(t.bytes()); }

double bytes_of(const Operand& t) { return t ? bytes_of(t.get()) : 0; }

double bytes_of(DType type, const Shape& shape) {
  return static_cast<double>(shape.numel()) * static_cast<double>(size_of(type));
}

void check(bool condition, std::string_view op, std::string_view expected, const Tensor& found) {
  ensure(condition, "{}: expected {}, found {} {}", op, expected, name_of(found.type()), found.shape().str());
}

void check_memory(const Backend& b, std::string_view op, const Tensor& x) {
  if (x.memory() == b.memory_kind()) return;
  fail(ErrorCode::internal, "{}: expected a tensor in {} memory, found {} in {} memory", op, name_of(b.memory_kind()),
       x.shape().str(), name_of(x.memory()));
}

void check_operand(const Backend& b, std::string_view op, const Tensor& x, size_t rank) {
  const DType type = b.numerics().activations;
  check_memory(b, op, x);
  check(x.type() == type, op, fmt::format("activations of {}", name_of(type)), x);
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

void check_vectors(const Backend& b, std::string_view op, const Tensor& x, std::string_view expected) {
  check_memory(b, op, x);
  check(x.type() == DType::f32 && x.shape().rank() == 2, op, expected, x);
}

void check_frame_bias(const Backend& b, std::string_view op, const Tensor* frame_bias, int64_t frames,
                      int64_t channels) {
  if (!frame_bias) return;
  check_memory(b, op, *frame_bias);
  const Shape& s = frame_bias->shape();
  check(frame_bias->type() == DType::f32 && s.rank() == 2 && (s[0] == 1 || s[0] == frames) && s[1] == channels, op,
        fmt::format("a float32 frame_bias of [1 or {}, {}]", frames, channels), *frame_bias);
}

void check_group_moments(const Backend& b, std::string_view op, const Tensor& x, const GroupNormOptions& options) {
  check(x.shape().back() % kNormGroups == 0, op, fmt::format("channels in {} groups", kNormGroups), x);
  check_frame_bias(b, op, options.frame_bias, x.shape()[0], x.shape().back());
  if (!options.moments) return;
  check_memory(b, op, *options.moments);
  const Shape expected{options.span == NormSpan::all_frames ? 1 : x.shape()[0], kNormGroups, 2};
  check(options.moments->type() == DType::f32 && options.moments->shape() == expected, op,
        fmt::format("float32 moments of {}", expected.str()), *options.moments);
}

void check_group_norm(const Backend& b, std::string_view op, const Tensor& x, const NormWeights& w,
                      const GroupNormOptions& options) {
  check_channels(op, x, w.channels);
  check_group_moments(b, op, x, options);
  ensure(options.activation != Activation::gelu, "{}: the activation of a GroupNorm is silu or none", op);
}

void check_residual(const Backend& b, std::string_view op, const Operand& residual, const Shape& result) {
  if (!residual) return;
  check_operand(b, op, residual.get());
  check_same_shape(op, residual.get(), result);
}

void check_weight(std::string_view what, const RawWeight& w, const Shape& shape) {
  ensure(w.shape == shape, "{}: expected a weight of {}, found {}", what, shape.str(), w.shape.str());
  ensure(w.type == DType::f32 || w.type == DType::bf16 || w.type == DType::f16,
         "{}: expected weights of f32, bf16 or f16, found {}", what, name_of(w.type));
  ensure(w.scales.empty() || static_cast<int64_t>(w.scales.size()) == w.shape[0],
         "{}: expected {} scales or none, found {}", what, w.shape[0], w.scales.size());
}

Shape with_channels(const Shape& shape, int64_t channels) { return shape.with(shape.rank() - 1, channels); }

}  // namespace svd::checks
