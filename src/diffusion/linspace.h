// Evenly spaced values as PyTorch computes them in float32.
#pragma once

#include <cstddef>
#include <vector>

namespace svd {

// `count` values from first to last. The upper half counts down from `last`, so that both ends are exact. Products are
// not rounded before they are added, as in PyTorch, whose kernels are compiled with fused multiply-add; rounding them
// would move some noise levels by 1.4e-6.
inline std::vector<float> linspace(float first, float last, size_t count) {
  std::vector<float> values(count, first);
  if (count < 2) return values;
  const double step = (last - first) / static_cast<float>(count - 1);
  for (size_t i = 0; i < count; ++i) {
    const double value =
        i < count / 2 ? first + step * static_cast<double>(i) : last - step * static_cast<double>(count - 1 - i);
    values[i] = static_cast<float>(value);
  }
  return values;
}

}  // namespace svd
