// The matrix kernel for AVX512-BF16.
//
// A block of 6 rows x 64 columns of sums stays in 24 registers; each step of two rows of depth loads four vectors of
// the panel and broadcasts one pair per row: 10 loads for 24 multiply-adds, where a core does two of each per cycle.
// The 16 rows of a strip go in as 6 + 5 + 5. Fewer columns would load more per multiply-add, more rows would not fit.
#include <immintrin.h>

#include <cstring>

#include "backends/cpu/kernels/avx512_bf16.h"
#include "backends/cpu/kernels/matrix.h"

namespace svd::kernels {
namespace {

constexpr int kVectors = kPanelColumns / 16;

SVD_AVX512_BF16 inline __m512bh pair_of(const bf16* p) {
  int bits;
  std::memcpy(&bits, p, sizeof bits);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(bits));
}

SVD_AVX512_BF16 inline __m512bh vector_of(const bf16* p) { return reinterpret_cast<__m512bh>(_mm512_load_si512(p)); }

template <int kRows>
SVD_AVX512_BF16 void rows_times_panels(const bf16* rows, int64_t row_stride, const Piece* pieces, int64_t piece_count,
                                       bool add, float* sums) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = add ? _mm512_load_ps(sums + r * kPanelColumns + 16 * v) : _mm512_setzero_ps();
    }
  }
  for (int64_t p = 0; p < piece_count; ++p) {
    const bf16* left = rows + pieces[p].offset;
    const bf16* panel = pieces[p].panel;
    for (int64_t k = 0; k < pieces[p].depth; k += 2, left += 2, panel += 2 * kPanelColumns) {
      __m512bh right[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) right[v] = vector_of(panel + 32 * v);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const __m512bh pair = pair_of(left + r * row_stride);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], pair, right[v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) _mm512_store_ps(sums + r * kPanelColumns + 16 * v, sum[r][v]);
  }
}

SVD_AVX512_BF16 void accumulate(const Strip* strips, int64_t strip_count, int64_t row_stride, const Piece* pieces,
                                int64_t piece_count, bool add, float* sums) {
  for (int64_t s = 0; s < strip_count; ++s, sums += kStripSums) {
    const auto block = [&](auto rows_times, int64_t first) SVD_AVX512_BF16 {
      rows_times(strips[s].rows + first * row_stride, row_stride, pieces, piece_count, add,
                 sums + first * kPanelColumns);
    };
    int64_t first = 0;
    for (int64_t left = strips[s].count; left > 0;) {
      // 16 = 6 + 5 + 5: as few blocks as possible, of nearly equal size.
      const int64_t blocks = (left + 5) / 6, rows = (left + blocks - 1) / blocks;
      switch (rows) {
        case 1: block(rows_times_panels<1>, first); break;
        case 2: block(rows_times_panels<2>, first); break;
        case 3: block(rows_times_panels<3>, first); break;
        case 4: block(rows_times_panels<4>, first); break;
        case 5: block(rows_times_panels<5>, first); break;
        default: block(rows_times_panels<6>, first); break;
      }
      first += rows;
      left -= rows;
    }
  }
}

}  // namespace

// 1280 rows of a panel are 160 KiB: a sixth of a Zen core's second-level cache.
constinit const MatrixKernel kAvx512Bf16Matrix{"avx512_bf16", 1280, accumulate, [] {}, [] {}};

}  // namespace svd::kernels
