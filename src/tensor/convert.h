// Converting whole tensors between float32, float16 and bfloat16.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/tensor.h"

namespace svd {

// Rounds to nearest, ties to even; too large values become infinity, NaN stays NaN. Between the two 16-bit types it
// goes through float32, which holds both exactly, so it rounds once. Equal types are copied, u8 among them.
// Both spans must hold whole, aligned elements, equally many, and must not overlap.
void convert(std::span<const std::byte> source, DType source_type, std::span<std::byte> target, DType target_type);

}  // namespace svd
