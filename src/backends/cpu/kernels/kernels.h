// The SIMD kernels of the CPU backend, compiled for several instruction sets and chosen at run time. Each works on the
// rows it is given, on the calling thread. T is float or bf16; arithmetic is float32 throughout.
#pragma once

#include <cstdint>

#include "base/half.h"

namespace svd::kernels {

// ---- norm.cpp
// Adds to sums[c] and squares[c] the sums over `rows` rows of x + added; added [channels] may be null.
template <typename T>
void accumulate_moments(const T* x, const float* added, int64_t rows, int64_t channels, float* sums, float* squares);

// y = scale[c] (x - mean[c]) + offset[c], then SiLU when asked; y may be x.
template <typename T>
void normalise(const T* x, int64_t rows, int64_t channels, const float* mean, const float* scale, const float* offset,
               bool silu, T* y);

// LayerNorm of each row of x + added; added [channels] may be null, y may be x.
template <typename T>
void layer_norm(const T* x, const float* added, int64_t rows, int64_t channels, const float* gamma, const float* beta,
                float epsilon, T* y);

// ---- softmax.cpp; attention in float32
// One step of the online softmax over a block of keys. scores [rows, keys] (row stride ld) are logits before
// the factor scale_log2 = scale * log2(e). Writes p = 2^(scale_log2 (s - max)) to `probabilities` (row stride ld),
// and for each row updates the running maximum and sum and gives the factor that earlier sums and outputs must be
// multiplied with.
void softmax_block(const float* scores, int64_t rows, int64_t keys, int64_t ld, float scale_log2, float* row_max,
                   float* row_sum, float* correction, float* probabilities);

// accumulator [rows, width] *= factor[row]
void scale_rows(float* accumulator, int64_t rows, int64_t width, const float* factor);

// y [rows, width] (row stride ldy) = accumulator / row_sum
void divide_rows(const float* accumulator, int64_t rows, int64_t width, const float* row_sum, float* y, int64_t ldy);

// ---- temporal_attention.cpp
// Attention among `frames` rows for each of the positions [begin, end) and all heads. qkv [frames, positions, 3C] and
// y [frames, positions, C] with C = heads * width.
template <typename T>
void temporal_attention(const T* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width, int64_t begin,
                        int64_t end, T* y);

// ---- elementwise.cpp
// y = weight * other + (1 - weight) * y
void blend(const float* other, float weight, int64_t n, float* y);

// y [rows, channels] = x + added [channels]; y may be x.
template <typename T>
void add_row(const T* x, const float* added, int64_t rows, int64_t channels, T* y);

// float32 to T and back.
template <typename T>
void from_f32(const float* x, int64_t n, T* y);
template <typename T>
void to_f32(const T* x, int64_t n, float* y);

// ---- matvec.cpp
// y[o] = sum_i w[o, i] x[i] for o in [0, outputs)
template <typename T>
void matvec(const T* w, const float* x, int64_t outputs, int64_t inputs, float* y);

}  // namespace svd::kernels
