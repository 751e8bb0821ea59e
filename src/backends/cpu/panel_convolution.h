// Convolutions on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedConvolution> make_panel_conv2d(Runtime&, const Conv2dSpec&, const RawWeight& kernel,
                                                     const RawWeight* bias);
std::unique_ptr<PackedConvolution> make_panel_temporal_conv(Runtime&, const RawWeight& kernel, const RawWeight& bias,
                                                            float scale);

// Bytes of packed weights, and what a convolution of x [T, H, W, in] needs beside its operands.
size_t panel_conv2d_weights(const Conv2dSpec&);
size_t panel_conv2d_workspace(const Shape& x, const Conv2dSpec&, const Threads&);
size_t panel_temporal_conv_workspace(const Shape& x, const Threads&);

}  // namespace svd::cpu
