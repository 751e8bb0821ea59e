// Products and feed-forwards by oneDNN (f32 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

std::unique_ptr<PackedLinear> make_dnnl_linear(Runtime&, const RawWeight& matrix, std::vector<float> bias);
std::unique_ptr<PackedFeedForward> make_dnnl_feed_forward(Runtime&, const RawWeight& w1, const RawWeight& b1,
                                                          const RawWeight& w2, const RawWeight& b2);

// Bytes that an operation on x [..., in] needs beside its operands.
size_t dnnl_linear_workspace(const Shape& x, int64_t out, bool normed);
size_t dnnl_feed_forward_workspace(const Shape& x, int64_t inner);

}  // namespace svd::cpu
