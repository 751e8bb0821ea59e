// The matrix kernel for AMX, over a set of tile registers: the hardware's, or a test's emulation of them, so that the
// blocking can be checked on any machine.
//
// Sums of 32 rows x 32 columns stay in four tiles; each step of 32 rows of depth loads two tiles of the left matrix,
// two of the panel and multiplies them pairwise: four loads for four products. Where one strip is left it goes alone;
// strips of fewer than 16 rows get tiles of as many.
//
// A tile product takes 16 cycles and a load from the second-level cache about as long. So of the four loads two must
// come from the first: half a panel (64 bytes per row of depth) stays there while the strips pass; depth_block follows
// from it.
#pragma once

#include <cstdint>
#include <utility>

#include "backends/cpu/kernels/matrix.h"

namespace svd::kernels {

// Tiles, of the calling thread: configure(rows) sets the rows of tiles 0 ... 5 (sums and left matrix); 6 and 7, the
// panel's, always have 16; release(); zero<T>(), load<T>(address, stride in bytes), store<T>(address, stride),
// multiply<Sum, Left, Right>(). A row is 64 bytes.
template <typename Tiles>
class AmxMatrix {
 public:
  static void enter() { Tiles::configure(kStripRows); }
  static void leave() { Tiles::release(); }

  // Finds the tiles configured for whole strips, and leaves them so.
  static void accumulate(const Strip* strips, int64_t strip_count, int64_t row_stride, const Piece* pieces,
                         int64_t piece_count, bool add, float* sums) {
    const Product p{row_stride, pieces, piece_count, add};
    int64_t configured = kStripRows;
    for (int64_t first = 0, next; first < strip_count; first = next) {
      const int64_t rows = strips[first].count;  // runs of strips with as many rows share a configuration
      next = first + 1;
      while (next < strip_count && strips[next].count == rows) ++next;
      if (rows != std::exchange(configured, rows)) Tiles::configure(rows);
      for (int64_t column = 0; column < kPanelColumns; column += 2 * kTileColumns) {
        int64_t s = first;
        for (; s + 2 <= next; s += 2) {
          block<2>(p, strips[s].rows, strips[s + 1].rows, column, sums + s * kStripSums);
        }
        if (s < next) block<1>(p, strips[s].rows, nullptr, column, sums + s * kStripSums);
      }
    }
    if (configured != kStripRows) Tiles::configure(kStripRows);
  }

 private:
  static constexpr int64_t kTileColumns = 16;

  struct Product {
    int64_t row_stride;
    const Piece* pieces;
    int64_t piece_count;
    bool add;
  };

  // Tiles 0 to 3 are the sums (first strip left and right, second strip left and right), 4 and 5 the strips, 6 and 7
  // the panel.
  template <int kStrips>
  static void block(const Product& p, const bf16* first, const bf16* second, int64_t column, float* sums) {
    constexpr int64_t kSumStride = kPanelColumns * static_cast<int64_t>(sizeof(float));
    constexpr int64_t kPanelStride = 2 * kPanelColumns * static_cast<int64_t>(sizeof(bf16));
    const int64_t left_stride = p.row_stride * static_cast<int64_t>(sizeof(bf16));
    float* const top = sums + column;
    float* const bottom = top + kStripSums;
    if (p.add) {
      Tiles::template load<0>(top, kSumStride);
      Tiles::template load<1>(top + kTileColumns, kSumStride);
      if constexpr (kStrips == 2) {
        Tiles::template load<2>(bottom, kSumStride);
        Tiles::template load<3>(bottom + kTileColumns, kSumStride);
      }
    } else {
      Tiles::template zero<0>();
      Tiles::template zero<1>();
      if constexpr (kStrips == 2) {
        Tiles::template zero<2>();
        Tiles::template zero<3>();
      }
    }
    for (int64_t i = 0; i < p.piece_count; ++i) {
      const Piece& piece = p.pieces[i];
      const bf16* panel = piece.panel + 2 * column;
      for (int64_t k = 0; k < piece.depth; k += kDepthUnit, panel += kDepthUnit * kPanelColumns) {
        Tiles::template load<6>(panel, kPanelStride);
        Tiles::template load<7>(panel + 2 * kTileColumns, kPanelStride);
        Tiles::template load<4>(first + piece.offset + k, left_stride);
        Tiles::template multiply<0, 4, 6>();
        Tiles::template multiply<1, 4, 7>();
        if constexpr (kStrips == 2) {
          Tiles::template load<5>(second + piece.offset + k, left_stride);
          Tiles::template multiply<2, 5, 6>();
          Tiles::template multiply<3, 5, 7>();
        }
      }
    }
    Tiles::template store<0>(top, kSumStride);
    Tiles::template store<1>(top + kTileColumns, kSumStride);
    if constexpr (kStrips == 2) {
      Tiles::template store<2>(bottom, kSumStride);
      Tiles::template store<3>(bottom + kTileColumns, kSumStride);
    }
  }
};

}  // namespace svd::kernels
