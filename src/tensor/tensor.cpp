#include "tensor/tensor.h"

#include <utility>

#include "base/fail.h"

namespace svd {

size_t size_of(DType type) {
  switch (type) {
    case DType::f32: return 4;
    case DType::bf16:
    case DType::f16: return 2;
    case DType::u8: return 1;
  }
  fail(ErrorCode::internal, "unknown element type {}", static_cast<int>(type));
}

std::string_view name_of(DType type) {
  switch (type) {
    case DType::f32: return "f32";
    case DType::bf16: return "bf16";
    case DType::f16: return "f16";
    case DType::u8: return "u8";
  }
  fail(ErrorCode::internal, "unknown element type {}", static_cast<int>(type));
}

Tensor::Tensor(Storage storage, Shape shape, DType type) : shape_(shape), type_(type), storage_(std::move(storage)) {
  if (storage_.bytes() >= bytes()) return;
  fail(ErrorCode::internal, "tensor {} of {} does not fit a storage of {} bytes", shape_.str(), name_of(type),
       storage_.bytes());
}

Tensor::Tensor(BufferPool& pool, Shape shape, DType type)
    : Tensor(Storage(pool.allocate(static_cast<size_t>(shape.numel()) * size_of(type))), shape, type) {}

Tensor Tensor::reshaped(Shape shape) && {
  ensure(shape.numel() == shape_.numel(), "cannot see {} as {}", shape_.str(), shape.str());
  Tensor result = std::move(*this);
  result.shape_ = shape;
  return result;
}

TensorView Tensor::frames(int64_t first, int64_t count) const {
  ensure(shape_.rank() >= 1 && first >= 0 && count >= 0 && first + count <= shape_[0],
         "cannot take entries {} to {} of a tensor {}", first, first + count, shape_.str());
  const size_t entry_bytes = shape_[0] == 0 ? 0 : bytes() / static_cast<size_t>(shape_[0]);
  return TensorView(Tensor(
      Storage::borrowed(storage_, static_cast<size_t>(first) * entry_bytes, static_cast<size_t>(count) * entry_bytes),
      shape_.with(0, count), type_));
}

// Both checks run thousands of times a second: no message is made for nothing.
void Tensor::expect_type(DType type) const {
  if (type == type_) return;
  fail(ErrorCode::internal, "tensor {} holds {}, not {}", shape_.str(), name_of(type_), name_of(type));
}

std::byte* Tensor::host_address() const {
  if (storage_.kind() == MemoryKind::host) return storage_.address();
  fail(ErrorCode::internal, "tensor {} is in {} memory, where the host cannot reach its elements", shape_.str(),
       name_of(storage_.kind()));
}

}  // namespace svd
