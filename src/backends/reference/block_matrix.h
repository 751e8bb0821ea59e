// Weights of the reference backend: every convolution and every product is a matrix of this kind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/buffer_pool.h"
#include "base/parallel.h"
#include "ops/weights.h"

namespace svd::reference {

// A matrix [out, taps * in] and a bias [out], float32. Taps are the positions of a convolution's kernel; one for a
// plain product. The outputs come in blocks of kBlock whose weights for one input lie side by side: the innermost
// loop runs over them, and the weights of a block stay in the cache while all positions pass by.
class BlockMatrix {
 public:
  static constexpr int64_t kBlock = 32;
  using Sums = std::array<double, kBlock>;  // of the outputs of one block at one position

  BlockMatrix() = default;
  // Stacks matrices [out_i, in, taps...] of the same input; biases are as many, or none. All is multiplied by scale.
  BlockMatrix(BufferPool& pool, Threads threads, std::span<const RawWeight> matrices, std::span<const RawWeight> biases,
              float scale = 1);

  // What the weights take.
  static size_t bytes_of(int64_t inputs, int64_t outputs, int64_t taps = 1);

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }
  int64_t blocks() const { return (outputs_ + kBlock - 1) / kBlock; }
  // Outputs [first_output(b), first_output(b) + block_size(b)) make up block b.
  int64_t first_output(int64_t block) const { return block * kBlock; }
  int64_t block_size(int64_t block) const { return std::min(kBlock, outputs_ - block * kBlock); }

  Sums bias(int64_t block) const;
  // Adds the products of one tap's weights with one position's input x [in] to the sums.
  void accumulate(int64_t block, int64_t tap, const float* x, Sums& sums) const;

 private:
  float* weights() const { return reinterpret_cast<float*>(weights_.data()); }

  int64_t inputs_ = 0;  // of one tap
  int64_t outputs_ = 0;
  int64_t taps_ = 0;
  Buffer weights_;           // [blocks, taps, inputs, kBlock] float32, zeros where the last block is not full
  std::vector<float> bias_;  // [blocks, kBlock]
};

struct PackedNorm final : PackedWeights {
  std::vector<float> gamma, beta;  // [C]
};

inline const PackedNorm& values_of(const NormWeights& w) { return dynamic_cast<const PackedNorm&>(*w.packed); }

struct PackedProduct final : PackedWeights {
  explicit PackedProduct(BlockMatrix m) : matrix(std::move(m)) {}
  BlockMatrix matrix;
};

struct PackedFeedForward final : PackedWeights {
  PackedFeedForward(BlockMatrix first, BlockMatrix second) : w1(std::move(first)), w2(std::move(second)) {}
  BlockMatrix w1;
  BlockMatrix w2;
};

inline const BlockMatrix& matrix_of(const PackedWeights& packed) {
  return dynamic_cast<const PackedProduct&>(packed).matrix;
}

}  // namespace svd::reference
