// What attention needs around its two matrix products (matrix.h): packing keys and values, and the online softmax.
#pragma once

#include <algorithm>
#include <cstdint>

#include "backends/cpu/kernels/matrix.h"

namespace svd::kernels {

inline constexpr int64_t kKeyPanel = kPanelColumns;  // keys in a panel of the first product

// The state of one strip of queries.
struct SoftmaxState {
  float maximum[kStripRows];  // of the logits so far, before scaling
  // Of the probabilities so far, relative to the maximum; each row in sixteen parts, added up in the end.
  alignas(64) float sum[kStripRows][16];
  void reset() {
    std::fill_n(maximum, kStripRows, -3.0e38f);
    std::fill_n(&sum[0][0], kStripRows * 16, 0.0f);
  }
};

struct AttentionKernel {
  // Up to 64 keys, rows [count, width] at a distance of row_stride, to one panel of q k': [width / 2][64][2]. Missing
  // keys are zero. width: a multiple of 32.
  void (*pack_keys)(const bf16* keys, int64_t count, int64_t width, int64_t row_stride, bf16* panel);

  // Up to `padded` values, rows [count, 64] at a distance of row_stride, to one panel of p v: [padded / 2][64][2].
  // Missing values are zero. padded: even.
  void (*pack_values)(const bf16* values, int64_t count, int64_t padded, int64_t row_stride, bf16* panel);

  // One step of the online softmax: the logits of a strip against `keys` keys, scores [panels][16][64] (panels of 64
  // keys at a distance of panel_stride floats; row 0 ... rows - 1 count). Writes 2^(scale_log2 (s - maximum)) to
  // probabilities [rows][probability_stride] (zero from `keys` up to the next multiple of 64), updates `state`, and
  // where a maximum grew multiplies the row's earlier results, outputs [output_panels][16][64] at a distance of
  // output_stride.
  void (*softmax)(const float* scores, int64_t panel_stride, int64_t rows, int64_t keys, float scale_log2,
                  SoftmaxState& state, float* outputs, int64_t output_panels, int64_t output_stride,
                  bf16* probabilities, int64_t probability_stride);

  // y [rows][columns of 64] (row_stride) = outputs [16][64] / sum
  void (*divide)(const float* outputs, int64_t rows, const SoftmaxState& state, int64_t row_stride, bf16* y);

  // Attention among frames, at positions [begin, end) for all heads of kTemporalHead: as temporal_attention() in
  // kernels.h, for at most kMostFrames frames. Null where that one is used.
  void (*among_frames)(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t begin, int64_t end,
                       bf16* y);
};

inline constexpr int64_t kTemporalHead = 64;
inline constexpr int64_t kMostFrames = 32;

extern const AttentionKernel kPortableAttention;    // any CPU
extern const AttentionKernel kAvx512Bf16Attention;  // needs AVX512-BF16

// In temporal_attention_avx512_bf16.cpp; kAvx512Bf16Attention's.
void among_frames_avx512_bf16(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t begin,
                              int64_t end, bf16* y);

}  // namespace svd::kernels
