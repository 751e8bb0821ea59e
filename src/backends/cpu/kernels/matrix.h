// Matrix products of bfloat16 with float32 sums: the one kernel behind the products, convolutions and attention of the
// bf16 CPU backend.
//
// The left matrix is taken as it lies in memory, in strips of up to 16 rows. The right one (weights; keys and values)
// is packed into panels of 64 columns in which pairs of rows are interleaved, [depth / 2][64][2]: what both vdpbf16ps
// (two products per float32 lane) and tdpbf16ps (a tile of 16 such pairs) consume without any shuffling.
//
// A product may be the sum of several pieces that start at different offsets from the strip: the three frames of a
// temporal convolution, the nine pixels of a 3x3 one, or slices of a depth that would not fit the cache.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/half.h"

namespace svd::kernels {

inline constexpr int64_t kStripRows = 16;     // the rows of an AMX tile
inline constexpr int64_t kPanelColumns = 64;  // four vectors or tiles of float32
inline constexpr int64_t kDepthUnit = 32;     // every piece's depth is a multiple: the depth of an AMX tile
inline constexpr int64_t kStripSums = kStripRows * kPanelColumns;

// Rows of the left matrix at a constant distance from each other.
struct Strip {
  const bf16* rows = nullptr;  // the first
  int64_t count = 0;           // 1 ... 16
};

// left[row, offset ... offset + depth) times `panel`
struct Piece {
  int64_t offset = 0;           // in elements, from the strip's rows; may be negative
  const bf16* panel = nullptr;  // [depth / 2][64][2]
  int64_t depth = 0;            // a multiple of kDepthUnit
};

// sums [strips][16][64] (64-byte aligned) = or += the sum over pieces; rows beyond a strip's count are left alone or
// get values without meaning. row_stride: elements from one row of a strip to the next.
using Accumulate = void (*)(const Strip* strips, int64_t strip_count, int64_t row_stride, const Piece* pieces,
                            int64_t piece_count, bool add, float* sums);

struct MatrixKernel {
  std::string_view name;
  // Depth worth accumulating in one call. The panel of so many rows (128 bytes each) must stay in the second-level
  // cache, better the first, while all strips pass; less depth means loading and storing the sums more often.
  int64_t depth_block;
  Accumulate accumulate;  // on a thread that has entered
  // Puts the thread's registers into the state that accumulate expects, and back. Cheap, but not compared with the
  // products of a small block: once per task.
  void (*enter)();
  void (*leave)();
};

// A thread's time with a kernel.
class MatrixSession {
 public:
  explicit MatrixSession(const MatrixKernel& kernel) : kernel_(kernel) { kernel_.enter(); }
  MatrixSession(const MatrixSession&) = delete;
  MatrixSession& operator=(const MatrixSession&) = delete;
  ~MatrixSession() { kernel_.leave(); }

 private:
  const MatrixKernel& kernel_;
};

extern const MatrixKernel kWideningMatrix;    // any CPU: bfloat16 widened to float32
extern const MatrixKernel kAvx512Bf16Matrix;  // needs AVX512-BF16
extern const MatrixKernel kAmxBf16Matrix;     // needs AMX-BF16, and the kernel's permission for this process

// ---- What follows a product

enum class Gate { none, gelu };

// value = activation(sum + bias) + frame bias + residual, then, with `other`, a blend of the two.
// With a gate the panel holds 32 values and then their 32 gates: value * gelu(gate).
struct Finish {
  int64_t columns = kPanelColumns;    // results per row, at most 64, or 32 behind a gate
  const float* bias = nullptr;        // [64], zeros where there are no columns
  const float* frame_bias = nullptr;  // [columns]
  bool silu = false, gelu = false;    // at most one
  Gate gate = Gate::none;
  // For results that are read much later: may be written past the caches. y must be aligned to 64 bytes in every row.
  bool stream = false;
  float other_share = 0;  // other_share * other + (1 - other_share) * value
};

struct FinishKernel {
  // One strip of sums [16][64] to `rows` rows of results. y, residual and other (may be null) have rows at the same
  // distance; residual may be y.
  void (*strip)(const float* sums, int64_t rows, const Finish& finish, const bf16* residual, const bf16* other,
                int64_t row_stride, bf16* y);
  // After the last streamed result of a thread, before another may read it.
  void (*end_streaming)();
  // GELU of n values in place, as `strip` computes it (tests).
  void (*gelu)(float* values, int64_t n);
};

extern const FinishKernel kPortableFinish;    // any CPU
extern const FinishKernel kAvx512Bf16Finish;  // needs AVX512-BF16

}  // namespace svd::kernels
