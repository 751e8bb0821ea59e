// Arrays of doubles: what the expected values of an operation are computed from and into.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/shape.h"

namespace svd::test {

struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(const Shape& s) : shape(s), values(static_cast<size_t>(s.numel())) {}

  bool empty() const { return values.empty(); }

  template <typename... Index>
  double& at(Index... index) {
    return values[offset({static_cast<int64_t>(index)...})];
  }
  template <typename... Index>
  double at(Index... index) const {
    return values[offset({static_cast<int64_t>(index)...})];
  }

  // The same values as a matrix [rows, last size].
  Array as_matrix() const {
    Array matrix = *this;
    matrix.shape = {shape.rows(), shape.back()};
    return matrix;
  }

 private:
  template <size_t N>
  size_t offset(const int64_t (&index)[N]) const {
    int64_t result = 0;
    for (size_t axis = 0; axis < N; ++axis) result = result * shape[axis] + index[axis];
    return static_cast<size_t>(result);
  }
};

}  // namespace svd::test
