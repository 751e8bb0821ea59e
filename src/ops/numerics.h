// The element types that a backend computes with.
#pragma once

#include "tensor/tensor.h"

namespace svd {

// Activations are what flows through a network, weights what its operations hold packed. The two are independent:
// 8-bit weights may meet 16-bit activations. Sums, statistics and the small steering vectors are float32 whatever
// stands here.
struct Numerics {
  DType activations = DType::f32;
  DType weights = DType::f32;

  bool operator==(const Numerics&) const = default;
};

}  // namespace svd
