// Which convolution runs: the project's own in bfloat16, oneDNN's in float32.
#include "backends/cpu/dnnl_convolution.h"
#include "backends/cpu/operations.h"
#include "backends/cpu/panel_convolution.h"
#include "backends/cpu/plain_weight.h"

namespace svd::cpu {

std::unique_ptr<PackedWeights> pack_conv2d(Runtime& runtime, const Conv2dSpec& spec, const RawWeight& kernel,
                                           const RawWeight* bias) {
  const PlainWeight plain(kernel);
  if (runtime.bf16) return make_panel_conv2d(runtime, spec, plain.get(), bias);
  return make_dnnl_conv2d(runtime, spec, plain.get(), bias);
}

std::unique_ptr<PackedWeights> pack_temporal_conv(Runtime& runtime, const RawWeight& kernel, const RawWeight& bias,
                                                  float scale) {
  const PlainWeight plain(kernel);
  if (runtime.bf16) return make_panel_temporal_conv(runtime, plain.get(), bias, scale);
  return make_dnnl_temporal_conv(runtime, plain.get(), bias, scale);
}

Tensor convolve(Runtime& runtime, const Tensor& x, PackedWeights& w, const Shape& shape, ConvOptions options) {
  return static_cast<PackedConvolution&>(w).run(runtime, x, shape, std::move(options));
}

}  // namespace svd::cpu
