#include "base/fail.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace svd {

using namespace checks;

// ---- Convolutions

Tensor Backend::conv2d(const Tensor& x, const Conv2dWeights& w, ConvOptions options) {
  constexpr std::string_view op = "conv2d";
  const Conv2dSpec& spec = w.spec;
  check_operand(*this, op, x, 4);
  check_channels(op, x, spec.in_channels);
  if (options.norm) {
    if (!fuses_norms()) {
      const Tensor normed = group_norm(x, *options.norm, options.norm_options);
      return conv2d(normed, w, {.residual = std::move(options.residual)});
    }
    check_group_norm(*this, op, x, *options.norm, options.norm_options);
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
                  weights * static_cast<double>(spec.out_channels) * static_cast<double>(size_of(numerics().weights))};
  return observed(std::move(info), [&] { return do_conv2d(x, w, result, std::move(options)); });
}

Tensor Backend::temporal_conv(const Tensor& x, const TemporalConvWeights& w, ConvOptions options) {
  constexpr std::string_view op = "temporal_conv";
  check_operand(*this, op, x, 4);
  check_channels(op, x, w.in_channels);
  if (options.norm) {
    if (!fuses_norms()) {
      const Tensor normed = group_norm(x, *options.norm, options.norm_options);
      return temporal_conv(normed, w, {.residual = std::move(options.residual)});
    }
    check_group_norm(*this, op, x, *options.norm, options.norm_options);
  }
  const Shape result = with_channels(x.shape(), w.out_channels);
  check_residual(*this, op, options.residual, result);
  // Every frame counts three products, as in a convolution over padded frames.
  const double weights = 3 * static_cast<double>(w.in_channels);
  OpInfo info{op, fmt::format("(3,1,1) {} -> {}{}", x.shape().str(), w.out_channels, options.norm ? " normed" : ""),
              2 * weights * static_cast<double>(result.numel()),
              (options.norm ? 2 : 1) * bytes_of(x) + bytes_of(x.type(), result) + bytes_of(options.residual) +
                  weights * static_cast<double>(w.out_channels) * static_cast<double>(size_of(numerics().weights))};
  return observed(std::move(info), [&] { return do_temporal_conv(x, w, result, std::move(options)); });
}

}  // namespace svd
