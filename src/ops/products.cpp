#include "base/fail.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace svd {

using namespace checks;

// ---- Products

Tensor Backend::linear(const Tensor& x, const LinearWeights& w, LinearOptions options) {
  constexpr std::string_view op = "linear";
  check_operand(*this, op, x);
  check_channels(op, x, w.in_features);
  if (options.layer_norm) check_channels("linear's layer norm", x, options.layer_norm->channels);
  const Shape result = with_channels(x.shape(), w.out_features);
  check_frame_bias(*this, op, options.frame_bias, x.shape()[0], w.out_features);
  check_residual(*this, op, options.residual, result);
  const double weights = static_cast<double>(w.in_features) * static_cast<double>(w.out_features);
  OpInfo info{op, fmt::format("{} -> {}{}", x.shape().str(), w.out_features, options.layer_norm ? " normed" : ""),
              2 * weights * static_cast<double>(x.shape().rows()),
              bytes_of(x) + bytes_of(x.type(), result) + bytes_of(options.residual) +
                  weights * static_cast<double>(size_of(numerics().weights))};
  return observed(std::move(info), [&] { return do_linear(x, w, result, std::move(options)); });
}

Tensor Backend::vector_linear(const Tensor& x, const VectorLinearWeights& w, VectorLinearOptions options) {
  constexpr std::string_view op = "vector_linear";
  check_vectors(*this, op, x, "float32 [rows, features]");
  check_channels(op, x, w.in_features);
  const Shape result{x.shape()[0], w.out_features};
  if (options.residual) {
    check_vectors(*this, op, *options.residual, "a float32 residual");
    check_same_shape(op, *options.residual, result);
  }
  ensure(options.activation != Activation::gelu, "vector_linear: the activation is silu or none");
  const double weights = static_cast<double>(w.in_features) * static_cast<double>(w.out_features);
  OpInfo info{op, fmt::format("{} -> {}", x.shape().str(), w.out_features),
              2 * weights * static_cast<double>(x.shape()[0]),
              weights * static_cast<double>(size_of(numerics().weights))};
  return observed(std::move(info), [&] { return do_vector_linear(x, w, options); });
}

Tensor Backend::feed_forward(Operand x, const FeedForwardWeights& w, FeedForwardOptions options) {
  constexpr std::string_view op = "feed_forward";
  check_operand(*this, op, x.get());
  check_channels(op, x.get(), w.width);
  const Shape shape = x.get().shape();
  check_frame_bias(*this, op, options.frame_bias, shape[0], w.width);
  if (options.blend.other) {
    check_operand(*this, op, *options.blend.other);
    check_same_shape(op, *options.blend.other, shape);
  }
  const double weights = 3 * static_cast<double>(w.width) * static_cast<double>(w.inner);
  OpInfo info{
      op, fmt::format("{} through {}", shape.str(), w.inner), 2 * weights * static_cast<double>(shape.rows()),
      (options.blend.other ? 3 : 2) * bytes_of(x.get()) + weights * static_cast<double>(size_of(numerics().weights))};
  return observed(std::move(info), [&] { return do_feed_forward(std::move(x), w, options); });
}

}  // namespace svd
