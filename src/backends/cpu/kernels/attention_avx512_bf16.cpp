// The element-wise half of blocked attention in bfloat16.
//
// A logit costs: one multiply-add (scale, minus the maximum), five operations for 2^x (see avx512_math-inl.h), one
// addition and half a conversion; the maximum is a pass of its own over scores in the first-level cache. Against 16
// logits' share of the two products, 32 vector multiply-adds for heads of 64, that is about a quarter.
#include <immintrin.h>

#include <cmath>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/avx512_bf16.h"
#include "backends/cpu/kernels/avx512_math-inl.h"

namespace svd::kernels {
namespace {

constexpr int64_t kVectors = kKeyPanel / 16;

// The lanes of vector v of a panel that hold keys, when `left` keys are left from the panel's first on.
SVD_AVX512_BF16 inline __mmask16 lanes_of(int64_t left, int64_t v) { return avx512::first_lanes(left - 16 * v); }

SVD_AVX512_BF16 void softmax_strip(const float* scores, int64_t panel_stride, int64_t rows, int64_t keys,
                                   float scale_log2, SoftmaxState& state, float* outputs, int64_t output_panels,
                                   int64_t output_stride, bf16* probabilities, int64_t probability_stride) {
  const __m512 scale = _mm512_set1_ps(scale_log2), lowest = _mm512_set1_ps(-3.0e38f);
  const int64_t whole = keys / kKeyPanel, rest = keys % kKeyPanel;
  for (int64_t row = 0; row < rows; ++row, scores += kPanelColumns, probabilities += probability_stride) {
    __m512 most[kVectors] = {lowest, lowest, lowest, lowest};
    for (int64_t panel = 0; panel < whole; ++panel) {
      const float* s = scores + panel * panel_stride;
#pragma GCC unroll 4
      for (int64_t v = 0; v < kVectors; ++v) most[v] = _mm512_max_ps(most[v], _mm512_load_ps(s + 16 * v));
    }
    if (rest > 0) {
      const float* s = scores + whole * panel_stride;
      for (int64_t v = 0; v < kVectors; ++v) {
        most[v] = _mm512_mask_max_ps(most[v], lanes_of(rest, v), most[v], _mm512_load_ps(s + 16 * v));
      }
    }
    const __m512 largest = _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
    const float before = state.maximum[row];
    float now = before;
    // Most rows find their maximum in the first blocks.
    const bool grown = _mm512_cmp_ps_mask(largest, _mm512_set1_ps(before), _CMP_GT_OQ) != 0;
    if (grown) now = _mm512_reduce_max_ps(largest);
    const __m512 offset = _mm512_set1_ps(-now * scale_log2);

    __m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    const auto step = [&](const float* s, bf16* p, __mmask16 first, __mmask16 second) SVD_AVX512_BF16
        __attribute__((always_inline)) {
      const __m512 a = _mm512_maskz_mov_ps(first, avx512::exp2(_mm512_fmadd_ps(_mm512_load_ps(s), scale, offset)));
      const __m512 b =
          _mm512_maskz_mov_ps(second, avx512::exp2(_mm512_fmadd_ps(_mm512_load_ps(s + 16), scale, offset)));
      sum[0] = _mm512_add_ps(sum[0], a);
      sum[1] = _mm512_add_ps(sum[1], b);
      _mm512_store_si512(p, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b, a)));
    };
    for (int64_t panel = 0; panel < whole; ++panel) {
      const float* s = scores + panel * panel_stride;
      bf16* p = probabilities + panel * kKeyPanel;
      step(s, p, 0xFFFF, 0xFFFF);
      step(s + 32, p + 32, 0xFFFF, 0xFFFF);
    }
    if (rest > 0) {
      const float* s = scores + whole * panel_stride;
      bf16* p = probabilities + whole * kKeyPanel;
      step(s, p, lanes_of(rest, 0), lanes_of(rest, 1));
      step(s + 32, p + 32, lanes_of(rest, 2), lanes_of(rest, 3));
    }
    const __m512 block_sum = _mm512_add_ps(sum[0], sum[1]);
    const float correction = grown ? std::exp2((before - now) * scale_log2) : 1.0f;
    const __m512 factor = _mm512_set1_ps(correction);
    _mm512_store_ps(state.sum[row], _mm512_fmadd_ps(_mm512_load_ps(state.sum[row]), factor, block_sum));
    if (!grown) continue;
    state.maximum[row] = now;
    for (int64_t panel = 0; panel < output_panels; ++panel) {
      float* o = outputs + panel * output_stride + row * kPanelColumns;
      for (int64_t v = 0; v < kVectors; ++v) {
        _mm512_store_ps(o + 16 * v, _mm512_mul_ps(_mm512_load_ps(o + 16 * v), factor));
      }
    }
  }
}

SVD_AVX512_BF16 void divide_strip(const float* outputs, int64_t rows, const SoftmaxState& state, int64_t row_stride,
                                  bf16* y) {
  for (int64_t row = 0; row < rows; ++row, outputs += kPanelColumns, y += row_stride) {
    const __m512 factor = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(_mm512_load_ps(state.sum[row])));
    for (int64_t v = 0; v < kVectors; ++v) {
      avx512::store(_mm512_mul_ps(_mm512_load_ps(outputs + 16 * v), factor), y + 16 * v);
    }
  }
}

// A pair of a key's neighbouring elements is one 32-bit word, so the panel is the transposed matrix of words.
SVD_AVX512_BF16 void pack_keys(const bf16* keys, int64_t count, int64_t width, int64_t row_stride, bf16* panel) {
  for (int64_t first = 0; first < kKeyPanel; first += 16) {
    for (int64_t column = 0; column < width; column += 32) {
      __m512i words[16];
      for (int64_t i = 0; i < 16; ++i) {
        words[i] =
            first + i < count ? _mm512_loadu_si512(keys + (first + i) * row_stride + column) : _mm512_setzero_si512();
      }
      avx512::transpose(words);
      for (int64_t i = 0; i < 16; ++i) {
        _mm512_store_si512(panel + ((column / 2 + i) * kKeyPanel + first) * 2, words[i]);
      }
    }
  }
}

SVD_AVX512_BF16 void pack_values(const bf16* values, int64_t count, int64_t padded, int64_t row_stride, bf16* panel) {
  const auto row = [&](int64_t i, int64_t column) SVD_AVX512_BF16 {
    return i < count ? _mm512_cvtepu16_epi32(_mm256_loadu_epi16(values + i * row_stride + column))
                     : _mm512_setzero_si512();
  };
  for (int64_t i = 0; i < padded; i += 2, panel += 2 * kPanelColumns) {
    for (int64_t column = 0; column < kPanelColumns; column += 16) {
      const __m512i pair = _mm512_or_si512(row(i, column), _mm512_slli_epi32(row(i + 1, column), 16));
      _mm512_store_si512(panel + 2 * column, pair);
    }
  }
}

}  // namespace

constinit const AttentionKernel kAvx512Bf16Attention{pack_keys, pack_values, softmax_strip, divide_strip,
                                                     among_frames_avx512_bf16};

}  // namespace svd::kernels
