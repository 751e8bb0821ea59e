// Sizes of a tensor, outermost first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace svd {

// At most five dimensions; a value type. numel() of an empty Shape (a scalar) is 1.
class Shape {
 public:
  static constexpr size_t kMaxRank = 5;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);
  explicit Shape(std::span<const int64_t> sizes);

  size_t rank() const { return rank_; }
  int64_t operator[](size_t axis) const { return sizes_[axis]; }
  int64_t back() const { return sizes_[rank_ - 1]; }
  int64_t numel() const;
  // Product of all sizes but the last: rows of a matrix whose columns are the channels.
  int64_t rows() const;
  Shape with(size_t axis, int64_t size) const {  // another size along an axis
    Shape changed = *this;
    changed.sizes_[axis] = size;
    return changed;
  }
  std::span<const int64_t> sizes() const { return {sizes_.data(), rank_}; }
  std::string str() const;  // "[14, 72, 128, 320]"

  bool operator==(const Shape&) const = default;

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  size_t rank_ = 0;
};

}  // namespace svd
