// Weights as the packing loops read them: float32 or bfloat16, without scales.
#pragma once

#include <vector>

#include "ops/weights.h"

namespace svd::cpu {

// The weight itself, where it is plain already, or else a float32 copy of its values. The weight must outlive it.
class PlainWeight {
 public:
  explicit PlainWeight(const RawWeight& w) : weight_(w) {
    if (w.scales.empty() && (w.type == DType::f32 || w.type == DType::bf16)) return;
    values_ = to_floats(w);
    weight_ = {.shape = w.shape,
               .type = DType::f32,
               .data = reinterpret_cast<const std::byte*>(values_.data()),
               .role = w.role};
  }
  PlainWeight(PlainWeight&&) = default;  // the values stay where they are

  const RawWeight& get() const { return weight_; }

 private:
  std::vector<float> values_;
  RawWeight weight_;
};

}  // namespace svd::cpu
