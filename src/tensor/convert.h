// Converting whole tensors between float32, float16 and bfloat16.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/tensor.h"

namespace svd {

// Rounds to nearest, ties to even; values that are too large become infinity, and NaN stays NaN. A conversion between
// the two 16-bit types goes through float32, which holds both exactly, so it rounds once. Equal types, u8 included, are
// copied. The spans must hold the same number of whole, aligned elements and must not overlap. Thread-safe.
void convert(std::span<const std::byte> source, DType source_type, std::span<std::byte> target, DType target_type);

}  // namespace svd
