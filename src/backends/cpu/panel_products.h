// Products and feed-forwards on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedLinear> make_panel_linear(Runtime&, const RawWeight& matrix, std::vector<float> bias);
std::unique_ptr<PackedFeedForward> make_panel_feed_forward(Runtime&, const RawWeight& w1, const RawWeight& b1,
                                                           const RawWeight& w2, const RawWeight& b2);

}  // namespace svd::cpu
