#include "backends/reference/block_matrix.h"

#include <cstring>
#include <utility>

#include "base/fail.h"
#include "base/half.h"

namespace svd::reference {
namespace {

// A checkpoint's tensors need not be aligned.
template <typename T>
float load(const std::byte* data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return to_f32(value);
}

float element(const RawWeight& raw, int64_t index) {
  return raw.type == DType::bf16 ? load<bf16>(raw.data, index) : load<float>(raw.data, index);
}

}  // namespace

std::vector<float> widened(const RawWeight& raw) {
  std::vector<float> values(static_cast<size_t>(raw.shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = element(raw, static_cast<int64_t>(i));
  return values;
}

BlockMatrix::BlockMatrix(Threads threads, std::span<const RawWeight> matrices, std::span<const RawWeight> biases,
                         float scale) {
  const Shape& first = matrices.front().shape;  // [out, in, taps...]
  inputs_ = first[1];
  taps_ = 1;
  for (size_t axis = 2; axis < first.rank(); ++axis) taps_ *= first[axis];
  for (const RawWeight& m : matrices) outputs_ += m.shape[0];

  weights_.resize(static_cast<size_t>(blocks() * taps_ * inputs_ * kBlock));
  threads.for_each(blocks(), [&](int64_t block) { pack(block, matrices, scale); });

  bias_.reserve(static_cast<size_t>(blocks() * kBlock));
  for (const RawWeight& b : biases) {
    for (const float value : widened(b)) bias_.push_back(scale * value);
  }
  bias_.resize(static_cast<size_t>(blocks() * kBlock));
}

void BlockMatrix::pack(int64_t block, std::span<const RawWeight> matrices, float scale) {
  for (int64_t j = 0; j < block_size(block); ++j) {
    int64_t row = first_output(block) + j;  // of the stack, then of the matrix it falls into
    auto matrix = matrices.begin();
    while (row >= matrix->shape[0]) row -= (matrix++)->shape[0];
    for (int64_t tap = 0; tap < taps_; ++tap) {
      for (int64_t i = 0; i < inputs_; ++i) {
        const float value = element(*matrix, (row * inputs_ + i) * taps_ + tap);
        weights_[static_cast<size_t>(((block * taps_ + tap) * inputs_ + i) * kBlock + j)] = scale * value;
      }
    }
  }
}

BlockMatrix::Sums BlockMatrix::bias(int64_t block) const {
  Sums sums;
  std::copy_n(bias_.begin() + block * kBlock, kBlock, sums.begin());
  return sums;
}

void BlockMatrix::accumulate(int64_t block, int64_t tap, const float* x, Sums& sums) const {
  // Float32 sums of at most this many products before they go to float64: twice as fast as float64 throughout, and
  // their rounding is that of a short sum (relative error about 1e-7).
  constexpr int64_t kRun = 64;
  const float* w = weights_.data() + (block * taps_ + tap) * inputs_ * kBlock;  // [inputs, kBlock]
  for (int64_t begin = 0; begin < inputs_; begin += kRun) {
    const int64_t end = std::min(begin + kRun, inputs_);
    float run[kBlock] = {};
    for (int64_t i = begin; i < end; ++i) {
      const float value = x[i];
      for (int64_t j = 0; j < kBlock; ++j) run[j] += value * w[i * kBlock + j];
    }
    for (int64_t j = 0; j < kBlock; ++j) sums[static_cast<size_t>(j)] += run[j];
  }
}

}  // namespace svd::reference
