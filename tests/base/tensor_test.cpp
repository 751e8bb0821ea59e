#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "base/checked.h"
#include "svd/error.h"

namespace svd {
namespace {

static_assert(!std::is_copy_constructible_v<Tensor> && std::is_nothrow_move_constructible_v<Tensor>);

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape{}.numel(), 1);
  EXPECT_EQ(Shape{}.rank(), 0u);
  EXPECT_EQ(Shape{7}.numel(), 7);
  EXPECT_EQ(Shape{7}.rows(), 1);
  const Shape shape{14, 72, 128, 320};
  EXPECT_EQ(shape.numel(), 41287680);
  EXPECT_EQ(shape.rows(), 129024);
  EXPECT_EQ(shape.back(), 320);
  EXPECT_EQ(shape[1], 72);
  EXPECT_EQ(shape.str(), "[14, 72, 128, 320]");
  EXPECT_EQ(Shape{}.str(), "[]");
  EXPECT_EQ((Shape{3, 0}).numel(), 0);
}

TEST(Shape, Compares) {
  EXPECT_EQ((Shape{1, 2}), (Shape{1, 2}));
  EXPECT_NE((Shape{1, 2}), (Shape{2, 1}));
  EXPECT_NE((Shape{1}), (Shape{1, 0}));
  EXPECT_EQ(Shape(std::vector<int64_t>{4, 5}), (Shape{4, 5}));
}

TEST(Shape, RefusesImpossibleSizes) {
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1}), Error);
  EXPECT_THROW((Shape{-1}), Error);
  EXPECT_THROW((Shape{int64_t{1} << 32, int64_t{1} << 31}), Error);
}

TEST(Checked, FindsOverflow) {
  EXPECT_EQ(checked_mul(1u << 31, 2), uint64_t{1} << 32);
  EXPECT_FALSE(checked_mul(uint64_t{1} << 32, uint64_t{1} << 32));
  EXPECT_EQ(checked_add(UINT64_MAX - 1, 1), UINT64_MAX);
  EXPECT_FALSE(checked_add(UINT64_MAX, 1));
}

TEST(DTypes, HaveSizesAndNames) {
  EXPECT_EQ(size_of(DType::f32), 4u);
  EXPECT_EQ(size_of(DType::bf16), 2u);
  EXPECT_EQ(size_of(DType::f16), 2u);
  EXPECT_EQ(size_of(DType::u8), 1u);
  EXPECT_EQ(name_of(DType::bf16), "bf16");
  EXPECT_THROW(size_of(static_cast<DType>(99)), Error);
}

TEST(Tensor, HoldsItsElements) {
  BufferPool pool;
  Tensor tensor(pool, {2, 3}, DType::f32);
  EXPECT_EQ(tensor.bytes(), 24u);
  EXPECT_EQ(tensor.memory(), MemoryKind::host);
  ASSERT_EQ(tensor.data<float>().size(), 6u);
  tensor.data<float>()[5] = 7;
  Tensor moved = std::move(tensor);
  EXPECT_EQ(std::as_const(moved).data<float>()[5], 7);
  EXPECT_EQ(pool.live_bytes(), 4096u);
}

TEST(Tensor, KnowsItsType) {
  BufferPool pool;
  Tensor tensor(pool, {4}, DType::bf16);
  EXPECT_EQ(tensor.data<bf16>().size(), 4u);
  EXPECT_THROW(tensor.data<float>(), Error);
  EXPECT_THROW(tensor.data<f16>(), Error);
}

TEST(Tensor, Reshapes) {
  BufferPool pool;
  Tensor tensor(pool, {2, 3}, DType::u8);
  tensor.data<uint8_t>()[4] = 9;
  Tensor other = std::move(tensor).reshaped({3, 2});
  EXPECT_EQ(other.shape(), (Shape{3, 2}));
  EXPECT_EQ(other.data<uint8_t>()[4], 9);
  EXPECT_THROW(std::move(other).reshaped({4, 2}), Error);
}

TEST(Tensor, IsEmptyWithoutStorage) {
  BufferPool pool;
  Tensor tensor(pool, {4}, DType::f32);
  EXPECT_FALSE(tensor.empty());
  const Tensor moved = std::move(tensor);
  EXPECT_TRUE(tensor.empty());
  EXPECT_TRUE(Tensor().empty());
}

TEST(Tensor, OfAPlanHasNoElements) {
  BufferPool plan(BufferPool::Mode::plan);
  const Tensor tensor(plan, {1000, 1000, 1000, 1000}, DType::f32);
  EXPECT_FALSE(tensor.empty());
  EXPECT_EQ(tensor.memory(), MemoryKind::planned);
  EXPECT_EQ(tensor.bytes(), 4'000'000'000'000u);
  EXPECT_THROW(tensor.data<float>(), Error);
  EXPECT_THROW(tensor.raw(), Error);
  EXPECT_THROW(tensor.frames(1, 2).get().raw(), Error);
}

TEST(Tensor, OnADeviceIsOutOfReach) {
  auto block = std::make_shared<std::vector<std::byte>>(64);
  std::byte* const address = block->data();
  const std::weak_ptr<void> owner = block;
  {
    const Tensor tensor(Storage(MemoryKind::device, address, 64, std::move(block)), {4, 4}, DType::f32);
    EXPECT_THROW(tensor.data<float>(), Error);
    EXPECT_THROW(tensor.raw(), Error);
    const TensorView part = tensor.frames(1, 2);
    EXPECT_EQ(part.get().memory(), MemoryKind::device);
    EXPECT_EQ(part.get().storage().address(), address + 16);
    EXPECT_FALSE(owner.expired());
  }
  EXPECT_TRUE(owner.expired()) << "the block was not given back";
}

TEST(Tensor, MustFitItsStorage) {
  BufferPool pool;
  EXPECT_THROW(Tensor(Storage(MemoryKind::device, nullptr, 63, {}), {4, 4}, DType::f32), Error);
}

TEST(Tensor, FramesAreReadThroughAView) {
  BufferPool pool;
  Tensor tensor(pool, {3, 2}, DType::f32);
  for (size_t i = 0; i < 6; ++i) tensor.data<float>()[i] = static_cast<float>(i);
  const TensorView view = tensor.frames(1, 2);
  const Tensor& part = view;
  EXPECT_EQ(part.shape(), (Shape{2, 2}));
  EXPECT_EQ(part.data<float>()[0], 2);
  static_assert(std::is_same_v<decltype(part.data<float>()), std::span<const float>>);
  static_assert(!std::is_convertible_v<TensorView, Tensor>, "a writable alias");
  EXPECT_THROW(tensor.frames(2, 2), Error);
  EXPECT_THROW(tensor.frames(-1, 1), Error);
}

}  // namespace
}  // namespace svd
