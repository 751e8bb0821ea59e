// Tensors: a shape, an element type and a storage, row-major and contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/half.h"
#include "tensor/shape.h"
#include "tensor/storage.h"

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

class TensorView;

// Owning and move-only. Its elements can be read and written here only in host memory; those of a device are reached
// through the backend that made the tensor (Backend::upload, download), and a planned tensor has none. Asking for them
// all the same is an Error(internal).
class Tensor {
 public:
  Tensor() = default;
  Tensor(Storage storage, Shape shape, DType type);
  Tensor(BufferPool& pool, Shape shape, DType type);  // contents undefined; throws Error(out_of_memory)

  const Shape& shape() const { return shape_; }
  DType type() const { return type_; }
  size_t bytes() const { return static_cast<size_t>(shape_.numel()) * size_of(type_); }
  bool empty() const { return storage_.empty(); }  // without storage: default-constructed or moved from
  MemoryKind memory() const { return storage_.kind(); }
  const Storage& storage() const { return storage_; }

  std::byte* raw() { return host_address(); }
  const std::byte* raw() const { return host_address(); }
  template <typename T>
  std::span<T> data();
  template <typename T>
  std::span<const T> data() const;

  // Entries [first, first + count) along the first axis, in any kind of memory. They are this tensor's own, so it must
  // outlive the view.
  TensorView frames(int64_t first, int64_t count) const;

  // The same elements under another shape of as many.
  Tensor reshaped(Shape shape) &&;

 private:
  void expect_type(DType type) const;
  std::byte* host_address() const;
  Shape shape_;
  DType type_ = DType::f32;
  Storage storage_;
};

// A part of a tensor, to be read.
class TensorView {
 public:
  // Implicit on purpose: a view goes wherever a tensor is read.
  operator const Tensor&() const { return part_; }  // NOLINT(google-explicit-constructor)
  const Tensor& get() const { return part_; }

 private:
  friend class Tensor;
  explicit TensorView(Tensor part) : part_(std::move(part)) {}
  Tensor part_;
};

template <typename T>
std::span<T> Tensor::data() {
  expect_type(dtype_of<T>());
  return {reinterpret_cast<T*>(host_address()), static_cast<size_t>(shape_.numel())};
}

template <typename T>
std::span<const T> Tensor::data() const {
  expect_type(dtype_of<T>());
  return {reinterpret_cast<const T*>(host_address()), static_cast<size_t>(shape_.numel())};
}

}  // namespace svd
