// Convolutions on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedConvolution> make_panel_conv2d(Runtime&, const Conv2dSpec&, const RawWeight& kernel,
                                                     const RawWeight* bias);
std::unique_ptr<PackedConvolution> make_panel_temporal_conv(Runtime&, const RawWeight& kernel, const RawWeight& bias,
                                                            float scale);

}  // namespace svd::cpu
