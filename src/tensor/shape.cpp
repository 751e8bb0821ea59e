#include "tensor/shape.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/checked.h"
#include "base/fail.h"

namespace svd {

Shape::Shape(std::initializer_list<int64_t> sizes) : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const int64_t> sizes) : rank_(sizes.size()) {
  ensure(rank_ <= kMaxRank, "a tensor of {} dimensions; at most {} are supported", rank_, kMaxRank);
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  uint64_t product = 1;
  for (const int64_t size : sizes) {
    ensure(size >= 0, "negative size in shape {}", str());
    const auto next = checked_mul(product, static_cast<uint64_t>(size));
    ensure(next && *next <= static_cast<uint64_t>(INT64_MAX), "shape {} is too large", str());
    product = *next;
  }
}

int64_t Shape::numel() const {
  int64_t n = 1;
  for (size_t i = 0; i < rank_; ++i) n *= sizes_[i];
  return n;
}

int64_t Shape::rows() const {
  int64_t n = 1;
  for (size_t i = 0; i + 1 < rank_; ++i) n *= sizes_[i];
  return n;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(sizes(), ", ")); }

}  // namespace svd
