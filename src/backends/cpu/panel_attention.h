// Attention within frames on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

// Whether the matrix kernel can take heads of this width: there is one, and the width is a whole number of panels.
bool panels_suit_heads(const Context& context, int64_t width);

// qkv [T, ..., 3C] -> y [T, ..., C]
void panel_attention(Context& context, const Tensor& qkv, int64_t heads, Tensor& y);

}  // namespace svd::cpu
