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

Tensor::Tensor(BufferPool& pool, Shape shape, DType type)
    : shape_(shape), type_(type), buffer_(pool.allocate(static_cast<size_t>(shape.numel()) * size_of(type))) {}

Tensor Tensor::reshaped(Shape shape) && {
  ensure(shape.numel() == shape_.numel(), "cannot see {} as {}", shape_.str(), shape.str());
  Tensor result = std::move(*this);
  result.shape_ = shape;
  return result;
}

void Tensor::expect_type(DType type) const {
  ensure(type == type_, "tensor {} holds {}, not {}", shape_.str(), name_of(type_), name_of(type));
}

}  // namespace svd
