// Loading, storing and the few functions that the AVX-512 kernels share. Good to bfloat16, not to float32.
#pragma once

#include <immintrin.h>

#include <iterator>

#include "backends/cpu/kernels/avx512_bf16.h"
#include "backends/cpu/kernels/gelu.h"
#include "base/half.h"

namespace svd::kernels::avx512 {

// The lanes that are filled when `count` elements are left.
SVD_AVX512_BF16 inline __mmask16 first_lanes(int64_t count) {
  return count >= 16 ? __mmask16{0xFFFF} : count <= 0 ? __mmask16{0} : static_cast<__mmask16>((1u << count) - 1);
}

SVD_AVX512_BF16 inline __m512 load(const bf16* p, __mmask16 mask = 0xFFFF) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p)), 16));
}

SVD_AVX512_BF16 inline void store(__m512 v, bf16* p, __mmask16 mask = 0xFFFF) {
  _mm256_mask_storeu_epi16(p, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
}

// 2^x, to 7.5e-5 of the result: x = whole + f with 0 <= f < 1, and the minimax cubic for 2^f by relative error,
// which is a twenty-fifth of bfloat16's rounding. Below 2^-126 the result goes to zero; NaN stays NaN.
SVD_AVX512_BF16 inline __m512 exp2(__m512 x) {
  constexpr int kDown = _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC;
  const __m512 f = _mm512_reduce_ps(x, kDown);
  __m512 p = _mm512_set1_ps(0.0780245168f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.226067164f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833538f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925219f));
  return _mm512_scalef_ps(p, x);
}

// x / (1 + e^-x)
SVD_AVX512_BF16 inline __m512 silu(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  // e^100 is far beyond where the quotient is zero to bfloat16, and its square still a number.
  const __m512 e = exp2(_mm512_mul_ps(_mm512_max_ps(x, _mm512_set1_ps(-60.0f)), _mm512_set1_ps(-1.44269504f)));
  const __m512 d = _mm512_add_ps(e, one);
  __m512 inverse = _mm512_rcp14_ps(d);
  inverse = _mm512_mul_ps(inverse, _mm512_fnmadd_ps(d, inverse, _mm512_set1_ps(2.0f)));
  return _mm512_mul_ps(x, inverse);
}

// See gelu.h.
SVD_AVX512_BF16 inline __m512 gelu(__m512 x) {
  const __m512 bound = _mm512_set1_ps(kGeluBound);
  const __m512 near = _mm512_max_ps(_mm512_min_ps(x, bound), _mm512_sub_ps(_mm512_setzero_ps(), bound));
  const __m512 u = _mm512_mul_ps(near, near);
  __m512 p = _mm512_set1_ps(kGeluPolynomial[0]);
#pragma GCC unroll 16
  for (size_t i = 1; i < std::size(kGeluPolynomial); ++i) p = _mm512_fmadd_ps(p, u, _mm512_set1_ps(kGeluPolynomial[i]));
  const __m512 phi = _mm512_fmadd_ps(near, p, _mm512_set1_ps(0.5f));
  // Far below, x times the little that is left of Phi would grow again. (In this order a NaN stays one.)
  return _mm512_mul_ps(_mm512_max_ps(_mm512_sub_ps(_mm512_setzero_ps(), bound), x), phi);
}

// Transposes a 16 x 16 matrix of 32-bit words: pairs of rows, then of pairs, then the four 128-bit parts of each row.
SVD_AVX512_BF16 inline void transpose(__m512i (&rows)[16]) {
  __m512i pairs[16], fours[16], halves[16];
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  // fours[4 g + j]: in each 128-bit part the words of column 4 part + j of rows 4 g ... 4 g + 3.
  for (int i = 0; i < 16; i += 4) {
    fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  // Of parts 0, 2 (and 1, 3) of rows 0 ... 7 and 8 ... 15.
  for (int j = 0; j < 4; ++j) {
    halves[j] = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0x88);
    halves[4 + j] = _mm512_shuffle_i32x4(fours[j], fours[4 + j], 0xDD);
    halves[8 + j] = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0x88);
    halves[12 + j] = _mm512_shuffle_i32x4(fours[8 + j], fours[12 + j], 0xDD);
  }
  for (int j = 0; j < 4; ++j) {
    rows[j] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0x88);
    rows[8 + j] = _mm512_shuffle_i32x4(halves[j], halves[8 + j], 0xDD);
    rows[4 + j] = _mm512_shuffle_i32x4(halves[4 + j], halves[12 + j], 0x88);
    rows[12 + j] = _mm512_shuffle_i32x4(halves[4 + j], halves[12 + j], 0xDD);
  }
}

}  // namespace svd::kernels::avx512
