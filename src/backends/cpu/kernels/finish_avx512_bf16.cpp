// What follows a product: bias, activation, gate, frame bias, residual and blend on float32 sums, then one rounding.
#include <immintrin.h>

#include "backends/cpu/kernels/avx512_bf16.h"
#include "backends/cpu/kernels/avx512_math-inl.h"
#include "backends/cpu/kernels/matrix.h"

namespace svd::kernels {
namespace {

constexpr int64_t kColumns = 32;  // of results at a time: a cache line of bfloat16

// 32 columns of all rows; what is constant down the columns stays in registers.
template <bool kGated, bool kPlain>
SVD_AVX512_BF16 void finish_columns(const float* sums, int64_t rows, const Finish& f, int64_t column,
                                    const bf16* residual, const bf16* other, int64_t row_stride, bf16* y) {
  const __mmask16 mask[2] = {avx512::first_lanes(f.columns - column), avx512::first_lanes(f.columns - column - 16)};
  const bool whole = mask[1] == 0xFFFF;
  const __m512 other_share = _mm512_set1_ps(f.other_share), own_share = _mm512_set1_ps(1.0f - f.other_share);
  __m512 bias[2], gate_bias[2], frame_bias[2];
  for (int v = 0; v < 2; ++v) {
    const int64_t c = column + 16 * v;
    bias[v] = f.bias ? _mm512_loadu_ps(f.bias + c) : _mm512_setzero_ps();
    gate_bias[v] = kGated && f.bias ? _mm512_loadu_ps(f.bias + c + kPanelColumns / 2) : _mm512_setzero_ps();
    frame_bias[v] = f.frame_bias ? _mm512_maskz_loadu_ps(mask[v], f.frame_bias + c) : _mm512_setzero_ps();
  }
  for (int64_t r = 0; r < rows; ++r) {
    __m512 value[2];
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      const float* sum = sums + r * kPanelColumns + column + 16 * v;
      const int64_t at = r * row_stride + column + 16 * v;
      value[v] = _mm512_add_ps(_mm512_load_ps(sum), bias[v]);
      if constexpr (kGated) {
        const __m512 gate = _mm512_add_ps(_mm512_load_ps(sum + kPanelColumns / 2), gate_bias[v]);
        value[v] = _mm512_mul_ps(value[v], avx512::gelu(gate));
      }
      if constexpr (!kPlain) {
        if (f.silu) value[v] = avx512::silu(value[v]);
        if (f.gelu) value[v] = avx512::gelu(value[v]);
        value[v] = _mm512_add_ps(value[v], frame_bias[v]);
        if (residual) value[v] = _mm512_add_ps(value[v], avx512::load(residual + at, mask[v]));
        if (other) {
          const __m512 o = avx512::load(other + at, mask[v]);
          value[v] = _mm512_fmadd_ps(other_share, o, _mm512_mul_ps(own_share, value[v]));
        }
      }
    }
    const __m512i rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0]));
    bf16* target = y + r * row_stride + column;
    if (f.stream && whole) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(target), rounded);
    } else {
      _mm512_mask_storeu_epi16(target, _mm512_kunpackw(mask[1], mask[0]), rounded);
    }
  }
}

SVD_AVX512_BF16 void finish_strip(const float* sums, int64_t rows, const Finish& f, const bf16* residual,
                                  const bf16* other, int64_t row_stride, bf16* y) {
  const bool gated = f.gate == Gate::gelu;
  const bool plain = !f.silu && !f.gelu && !f.frame_bias && !residual && !other;
  const auto columns = gated ? (plain ? finish_columns<true, true> : finish_columns<true, false>)
                             : (plain ? finish_columns<false, true> : finish_columns<false, false>);
  for (int64_t column = 0; column < f.columns; column += kColumns) {
    columns(sums, rows, f, column, residual, other, row_stride, y);
  }
}

void end_streaming() { _mm_sfence(); }

SVD_AVX512_BF16 void gelu_in_place(float* values, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = avx512::first_lanes(n - i);
    _mm512_mask_storeu_ps(values + i, mask, avx512::gelu(_mm512_maskz_loadu_ps(mask, values + i)));
  }
}

}  // namespace

constinit const FinishKernel kAvx512Bf16Finish{finish_strip, end_streaming, gelu_in_place};

}  // namespace svd::kernels
