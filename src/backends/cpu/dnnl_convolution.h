// Convolutions by oneDNN (f32 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedConvolution> make_dnnl_conv2d(Runtime&, const Conv2dSpec&, const RawWeight& kernel,
                                                    const RawWeight* bias);
std::unique_ptr<PackedConvolution> make_dnnl_temporal_conv(Runtime&, const RawWeight& kernel, const RawWeight& bias,
                                                           float scale);

// Bytes that a convolution of x [T, H, W, in] needs beside its operands.
size_t dnnl_conv2d_workspace(const Shape& x, const Conv2dSpec& spec);

}  // namespace svd::cpu
