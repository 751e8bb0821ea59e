// Attention within frames on the matrix kernel of this project (bf16 only).
#pragma once

#include "backends/cpu/operations.h"

namespace svd::cpu {

// qkv [T, ..., 3C] -> y [T, ..., C]
void panel_attention(Runtime& runtime, const Tensor& qkv, int64_t heads, Tensor& y);

// Bytes that it needs beside its operands.
size_t panel_attention_workspace(const Shape& qkv, int64_t heads, const Threads& threads);

}  // namespace svd::cpu
