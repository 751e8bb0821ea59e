// Products and feed-forwards on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedLinear> make_panel_linear(Runtime&, const RawWeight& matrix, std::vector<float> bias);
std::unique_ptr<PackedFeedForward> make_panel_feed_forward(Runtime&, const RawWeight& w1, const RawWeight& b1,
                                                           const RawWeight& w2, const RawWeight& b2);

// Bytes of packed weights, and what an operation on x [..., in] needs beside its operands.
size_t panel_feed_forward_weights(int64_t width, int64_t inner);
size_t panel_linear_workspace(const Shape& x, int64_t out, const LinearOptions&, const Threads&);
size_t panel_feed_forward_workspace(const Shape& x, int64_t inner, const FeedForwardOptions&, const Threads&);

}  // namespace svd::cpu
