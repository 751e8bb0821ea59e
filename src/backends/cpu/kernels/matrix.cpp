// The matrix kernel for CPUs that do not multiply bfloat16: both sides are widened to float32, which is exact.
//
// A word of the panel is a pair of bfloat16 from two rows of depth; a shift and a mask make two vectors of it. The left
// rows are widened once per slice of depth and used for all 64 columns. A block of 6 rows x 2 vectors of sums stays in
// registers (AVX2 has 16 of them): each step of two rows of depth takes 24 multiply-adds and four operations to widen.
// The 16 rows of a strip go in as 6 + 5 + 5.
#include "backends/cpu/kernels/matrix.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/matrix.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

// Of the depth: the widened left rows (8 KiB) and a block's columns of the panel (4 KiB with AVX2) stay in the
// first-level cache for all blocks of rows. The latter's lines are 256 bytes apart and so fall into a quarter of the
// cache's sets; that is what bounds the slice.
constexpr int64_t kSlice = 128;

// Rows of the panel that belong to the next `depth` columns of the widened left rows.
struct Part {
  const bf16* panel;
  int64_t depth;
};

// sums [kRows][64] += left [kRows][kSlice] times two vectors of the panel, from `column` on
template <int kRows>
void multiply_block(const float* left, const Part* parts, int64_t part_count, int64_t column, float* sums) {
  const F f32;
  const hn::RebindToUnsigned<F> u32;
  const int64_t step = static_cast<int64_t>(lanes());
  const auto upper = hn::Set(u32, 0xFFFF0000u);
  V first[kRows], second[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    first[r] = hn::Load(f32, sums + r * kPanelColumns);
    second[r] = hn::Load(f32, sums + r * kPanelColumns + step);
  }
  // Even rows of the depth, then odd ones: with both in one loop, the sums would not all stay in registers.
  const auto multiply = [&](const float* x, const auto& widen) HWY_ATTR {
    for (const Part* part = parts; part != parts + part_count; ++part) {
      const uint32_t* words = reinterpret_cast<const uint32_t*>(part->panel) + column;
      for (const float* end = x + part->depth; x != end; x += 2, words += kPanelColumns) {
        const V a = widen(hn::Load(u32, words)), b = widen(hn::Load(u32, words + step));
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          const V left_value = hn::Set(f32, x[r * kSlice]);
          first[r] = hn::MulAdd(left_value, a, first[r]);
          second[r] = hn::MulAdd(left_value, b, second[r]);
        }
      }
    }
  };
  multiply(left, [&](auto words) HWY_ATTR { return hn::BitCast(f32, hn::ShiftLeft<16>(words)); });
  multiply(left + 1, [&](auto words) HWY_ATTR { return hn::BitCast(f32, hn::And(words, upper)); });
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    hn::Store(first[r], f32, sums + r * kPanelColumns);
    hn::Store(second[r], f32, sums + r * kPanelColumns + step);
  }
}

// sums [rows][64] += left [rows][kSlice] times the panel
void multiply_slice(const float* left, int64_t rows, const Part* parts, int64_t part_count, float* sums) {
  for (int64_t column = 0; column < kPanelColumns; column += 2 * static_cast<int64_t>(lanes())) {
    for (int64_t first = 0; first < rows;) {
      // 16 = 6 + 5 + 5: as few blocks as possible, of nearly equal size.
      const int64_t blocks = (rows - first + 5) / 6, together = (rows - first + blocks - 1) / blocks;
      const auto multiply = together == 6   ? multiply_block<6>
                            : together == 5 ? multiply_block<5>
                            : together == 4 ? multiply_block<4>
                            : together == 3 ? multiply_block<3>
                            : together == 2 ? multiply_block<2>
                                            : multiply_block<1>;
      multiply(left + first * kSlice, parts, part_count, column, sums + first * kPanelColumns + column);
      first += together;
    }
  }
}

void accumulate(const Strip* strips, int64_t strip_count, int64_t row_stride, const Piece* pieces, int64_t piece_count,
                bool add, float* sums) {
  HWY_ALIGN float left[kStripRows * kSlice];
  Part parts[kSlice / kDepthUnit];
  for (int64_t s = 0; s < strip_count; ++s, sums += kStripSums) {
    if (!add) std::fill_n(sums, kStripSums, 0.0f);
    const int64_t rows = strips[s].count;
    int64_t part_count = 0, filled = 0;
    const auto multiply = [&] {
      multiply_slice(left, rows, parts, part_count, sums);
      part_count = filled = 0;
    };
    for (const Piece* piece = pieces; piece != pieces + piece_count; ++piece) {
      for (int64_t k = 0; k < piece->depth;) {
        const int64_t depth = HWY_MIN(kSlice - filled, piece->depth - k);
        for (int64_t r = 0; r < rows; ++r) {
          const bf16* source = strips[s].rows + r * row_stride + piece->offset + k;
          float* target = left + r * kSlice + filled;
          for (int64_t i = 0; i < depth; i += static_cast<int64_t>(lanes())) store(load(source + i), target + i);
        }
        parts[part_count++] = {piece->panel + k * kPanelColumns, depth};
        k += depth;
        filled += depth;
        if (filled == kSlice) multiply();
      }
    }
    if (filled > 0) multiply();
  }
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(accumulate);

// 1024 rows of a panel are 128 KiB: a quarter of the second-level cache of most CPUs without bfloat16.
constinit const MatrixKernel kWideningMatrix{"widening", 1024,
                                             [](const Strip* strips, int64_t strip_count, int64_t row_stride,
                                                const Piece* pieces, int64_t piece_count, bool add, float* sums) {
                                               HWY_DYNAMIC_DISPATCH(accumulate)
                                               (strips, strip_count, row_stride, pieces, piece_count, add, sums);
                                             },
                                             [] {}, [] {}};

}  // namespace svd::kernels
#endif
