// AMX's tile registers in plain C++, after Intel's description of their instructions, so that the blocking of
// kernels/amx_matrix-inl.h is tested on every machine.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "backends/cpu/kernels/amx_matrix-inl.h"

namespace svd::test {

// One set for all: tests are single-threaded.
class EmulatedTiles {
 public:
  static inline bool in_use = false;
  static inline int configurations = 0;

  static void release() {
    ASSERT_TRUE(in_use);
    in_use = false;
  }

  static void configure(int64_t rows) {
    in_use = true;
    ++configurations;
    ASSERT_GE(rows, 1);
    ASSERT_LE(rows, 16);
    for (size_t tile = 0; tile < 8; ++tile) {
      rows_[tile] = tile < 6 ? rows : 16;
      tiles_[tile] = {};  // as ldtilecfg leaves them
    }
  }
  template <size_t kTile>
  static void zero() {
    tiles_[kTile] = {};
  }
  template <size_t kTile>
  static void load(const void* from, int64_t stride) {
    for (int64_t row = 0; row < rows_[kTile]; ++row) {
      std::memcpy(row_of(kTile, row), static_cast<const std::byte*>(from) + row * stride, kRowBytes);
    }
  }
  template <size_t kTile>
  static void store(void* to, int64_t stride) {
    for (int64_t row = 0; row < rows_[kTile]; ++row) {
      std::memcpy(static_cast<std::byte*>(to) + row * stride, row_of(kTile, row), kRowBytes);
    }
  }
  // TDPBF16PS: sum[m][n] += left[m][2 k] right[k][2 n] + left[m][2 k + 1] right[k][2 n + 1]
  template <size_t kSum, size_t kLeft, size_t kRight>
  static void multiply() {
    ASSERT_EQ(rows_[kSum], rows_[kLeft]);
    for (int64_t m = 0; m < rows_[kSum]; ++m) {
      std::array<float, 16> sum;
      std::memcpy(sum.data(), row_of(kSum, m), kRowBytes);
      std::array<bf16, 32> left;
      std::memcpy(left.data(), row_of(kLeft, m), kRowBytes);
      for (size_t k = 0; k < 16; ++k) {
        std::array<bf16, 32> right;
        std::memcpy(right.data(), row_of(kRight, static_cast<int64_t>(k)), kRowBytes);
        for (size_t n = 0; n < 16; ++n) {
          sum[n] += to_f32(left[2 * k]) * to_f32(right[2 * n]);
          sum[n] += to_f32(left[2 * k + 1]) * to_f32(right[2 * n + 1]);
        }
      }
      std::memcpy(row_of(kSum, m), sum.data(), kRowBytes);
    }
  }

 private:
  static constexpr size_t kRowBytes = 64;
  using Tile = std::array<std::array<std::byte, kRowBytes>, 16>;
  static std::byte* row_of(size_t tile, int64_t row) { return tiles_[tile][static_cast<size_t>(row)].data(); }

  static inline std::array<Tile, 8> tiles_{};
  static inline std::array<int64_t, 8> rows_{};
};

}  // namespace svd::test
