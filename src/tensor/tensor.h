// Tensors: a shape, an element type and memory, row-major and contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/half.h"
#include "base/memory.h"
#include "tensor/shape.h"

namespace svd {

enum class DType { f32, bf16, f16, u8 };

size_t size_of(DType type);
std::string_view name_of(DType type);  // "f32", "bf16", ...

template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<bf16>() {
  return DType::bf16;
}
template <>
constexpr DType dtype_of<f16>() {
  return DType::f16;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}

// Owning and move-only. A tensor from a planning pool has a shape but no memory (has_data() is false).
class Tensor {
 public:
  Tensor() = default;
  Tensor(BufferPool& pool, Shape shape, DType type);

  const Shape& shape() const { return shape_; }
  DType type() const { return type_; }
  size_t bytes() const { return static_cast<size_t>(shape_.numel()) * size_of(type_); }
  bool empty() const { return buffer_.empty(); }
  bool has_data() const { return buffer_.data() != nullptr; }

  std::byte* raw() { return buffer_.data(); }
  const std::byte* raw() const { return buffer_.data(); }
  template <typename T>
  std::span<T> data();
  template <typename T>
  std::span<const T> data() const;

  // Entries [first, first + count) along the first axis. They are this tensor's memory: the result must not outlive it,
  // and who writes to it writes here.
  Tensor frames(int64_t first, int64_t count) const;

  // The same elements under another shape of as many.
  Tensor reshaped(Shape shape) &&;

 private:
  void expect_type(DType type) const;
  Shape shape_;
  DType type_ = DType::f32;
  Buffer buffer_;
};

template <typename T>
std::span<T> Tensor::data() {
  expect_type(dtype_of<T>());
  return {reinterpret_cast<T*>(buffer_.data()), has_data() ? static_cast<size_t>(shape_.numel()) : 0};
}

template <typename T>
std::span<const T> Tensor::data() const {
  expect_type(dtype_of<T>());
  return {reinterpret_cast<const T*>(buffer_.data()), has_data() ? static_cast<size_t>(shape_.numel()) : 0};
}

}  // namespace svd
