#include "backends/reference/block_matrix.h"

#include <algorithm>
#include <utility>

namespace svd::reference {

size_t BlockMatrix::bytes_of(int64_t inputs, int64_t outputs, int64_t taps) {
  return static_cast<size_t>((outputs + kBlock - 1) / kBlock * kBlock * taps * inputs) * sizeof(float);
}

BlockMatrix::BlockMatrix(BufferPool& pool, Threads threads, std::span<const RawWeight> matrices,
                         std::span<const RawWeight> biases, float scale) {
  const Shape& first = matrices.front().shape;  // [out, in, taps...]
  inputs_ = first[1];
  taps_ = 1;
  for (size_t axis = 2; axis < first.rank(); ++axis) taps_ *= first[axis];
  for (const RawWeight& m : matrices) outputs_ += m.shape[0];

  weights_ = pool.allocate(bytes_of(inputs_, outputs_, taps_));
  std::fill_n(weights(), blocks() * taps_ * inputs_ * kBlock, 0.0f);
  int64_t stacked = 0;  // outputs of the matrices before
  for (const RawWeight& m : matrices) {
    const std::vector<float> values = to_floats(m, scale);  // [rows, inputs, taps]
    threads.for_ranges(m.shape[0], [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t block = (stacked + row) / kBlock, j = (stacked + row) % kBlock;
        for (int64_t tap = 0; tap < taps_; ++tap) {
          for (int64_t i = 0; i < inputs_; ++i) {
            weights()[((block * taps_ + tap) * inputs_ + i) * kBlock + j] =
                values[static_cast<size_t>((row * inputs_ + i) * taps_ + tap)];
          }
        }
      }
    });
    stacked += m.shape[0];
  }

  bias_.reserve(static_cast<size_t>(blocks() * kBlock));
  for (const RawWeight& b : biases) {
    const std::vector<float> values = to_floats(b, scale);
    bias_.insert(bias_.end(), values.begin(), values.end());
  }
  bias_.resize(static_cast<size_t>(blocks() * kBlock));
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
  const float* w = weights() + (block * taps_ + tap) * inputs_ * kBlock;  // [inputs, kBlock]
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
