// Memory and numbers for tests of the kernels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <vector>

#include "base/half.h"

namespace svd::test {

// Aligned as the kernels ask for it, and of exactly this size, so that the address sanitizer sees every step beyond.
template <typename T>
class AlignedArray {
 public:
  explicit AlignedArray(int64_t n, T value = T{})
      : data_(static_cast<T*>(::operator new (static_cast<size_t>(n) * sizeof(T), std::align_val_t{64}))), size_(n) {
    std::fill_n(data_.get(), n, value);
  }
  T* data() { return data_.get(); }
  T& operator[](int64_t i) { return data_.get()[i]; }
  int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
  int64_t size_;
};

// Numbers of unit size that bfloat16 holds exactly.
inline AlignedArray<bf16> random_bf16(int64_t n, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.7f, 1.7f);
  AlignedArray<bf16> values(n);
  for (int64_t i = 0; i < n; ++i) values[i] = to_bf16(uniform(generator));
  return values;
}

}  // namespace svd::test
