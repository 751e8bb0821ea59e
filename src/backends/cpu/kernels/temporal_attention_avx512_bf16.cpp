// Attention among the frames at one position, in bfloat16, for heads of 64. With 16 keys (or 32) a row of logits is one
// vector (or two), so everything between loading q, k and v and storing the result happens in registers and a few
// kilobytes of the first-level cache, straight from the channels-last tensor.
//
// As in matrix.h, words are pairs of bfloat16: keys are transposed to [32 words of the width][keys], values are
// interleaved to [pairs of keys][64 columns]. Four queries at a time share the loads of both.
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/avx512_bf16.h"
#include "backends/cpu/kernels/avx512_math-inl.h"

namespace svd::kernels {
namespace {

constexpr int64_t kWidth = kTemporalHead;
constexpr int64_t kWords = kWidth / 2;
constexpr int64_t kTogether = 4;                  // queries
constexpr float kScaleLog2 = 1.44269504f / 8.0f;  // log2(e) / sqrt(64)

SVD_AVX512_BF16 inline __m512bh broadcast_pair(const bf16* p) {
  int bits;
  std::memcpy(&bits, p, sizeof bits);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(bits));
}

SVD_AVX512_BF16 inline __m512bh as_pairs(__m512i words) { return reinterpret_cast<__m512bh>(words); }

// kGroups: of 16 keys.
template <int kGroups>
struct Head {
  static constexpr int64_t kKeys = 16 * kGroups;

  __m512i keys[kWords][kGroups];
  __m512i values[kKeys / 2][4];
  alignas(64) bf16 probabilities[kTogether][kKeys];

  SVD_AVX512_BF16 void load(const bf16* k, const bf16* v, int64_t frames, int64_t frame_stride) {
    for (int g = 0; g < kGroups; ++g) {
      for (int half = 0; half < 2; ++half) {
        __m512i rows[16];
        for (int64_t i = 0; i < 16; ++i) {
          const int64_t frame = 16 * g + i;
          rows[i] = frame < frames ? _mm512_loadu_si512(k + frame * frame_stride + 32 * half) : _mm512_setzero_si512();
        }
        avx512::transpose(rows);
        for (int i = 0; i < 16; ++i) keys[16 * half + i][g] = rows[i];
      }
    }
    const auto value = [&](int64_t frame, int64_t column) SVD_AVX512_BF16 {
      return frame < frames ? _mm512_cvtepu16_epi32(_mm256_loadu_epi16(v + frame * frame_stride + column))
                            : _mm512_setzero_si512();
    };
    for (int64_t frame = 0; frame < frames; frame += 2) {
      for (int64_t c = 0; c < 4; ++c) {
        values[frame / 2][c] = _mm512_or_si512(value(frame, 16 * c), _mm512_slli_epi32(value(frame + 1, 16 * c), 16));
      }
    }
  }

  // kQueries queries from q on, a frame_stride apart: probabilities[i] = softmax over the frames.
  template <int kQueries>
  SVD_AVX512_BF16 void weigh(const bf16* q, int64_t frames, int64_t frame_stride) {
    __m512 logits[kQueries][kGroups];
    for (int i = 0; i < kQueries; ++i) {
      for (int g = 0; g < kGroups; ++g) logits[i][g] = _mm512_setzero_ps();
    }
    for (int64_t w = 0; w < kWords; ++w) {
#pragma GCC unroll 4
      for (int i = 0; i < kQueries; ++i) {
        const __m512bh pair = broadcast_pair(q + i * frame_stride + 2 * w);
#pragma GCC unroll 2
        for (int g = 0; g < kGroups; ++g) logits[i][g] = _mm512_dpbf16_ps(logits[i][g], pair, as_pairs(keys[w][g]));
      }
    }
    const __m512 scale = _mm512_set1_ps(kScaleLog2);
    __mmask16 present[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      present[g] = avx512::first_lanes(frames - 16 * g);
    }
    for (int i = 0; i < kQueries; ++i) {
      __m512 most = _mm512_set1_ps(-3.0e38f);
      for (int g = 0; g < kGroups; ++g) most = _mm512_mask_max_ps(most, present[g], most, logits[i][g]);
      const __m512 largest = _mm512_set1_ps(_mm512_reduce_max_ps(most));
      __m512 sum = _mm512_setzero_ps();
      for (int g = 0; g < kGroups; ++g) {
        logits[i][g] =
            _mm512_maskz_mov_ps(present[g], avx512::exp2(_mm512_mul_ps(_mm512_sub_ps(logits[i][g], largest), scale)));
        sum = _mm512_add_ps(sum, logits[i][g]);
      }
      const __m512 inverse = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(sum));
      for (int g = 0; g < kGroups; ++g) {
        avx512::store(_mm512_mul_ps(logits[i][g], inverse), probabilities[i] + 16 * g);
      }
    }
  }

  // y[i] = probabilities[i] * values
  template <int kQueries>
  SVD_AVX512_BF16 void mix(int64_t frames, int64_t result_stride, bf16* y) const {
    __m512 sums[kQueries][4];
    for (int i = 0; i < kQueries; ++i) {
      for (int c = 0; c < 4; ++c) sums[i][c] = _mm512_setzero_ps();
    }
    for (int64_t frame = 0; frame < frames; frame += 2) {
#pragma GCC unroll 4
      for (int i = 0; i < kQueries; ++i) {
        const __m512bh pair = broadcast_pair(probabilities[i] + frame);
#pragma GCC unroll 4
        for (int c = 0; c < 4; ++c) sums[i][c] = _mm512_dpbf16_ps(sums[i][c], pair, as_pairs(values[frame / 2][c]));
      }
    }
    for (int i = 0; i < kQueries; ++i) {
      for (int c = 0; c < 4; c += 2) {
        _mm512_storeu_si512(y + i * result_stride + 16 * c,
                            reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(sums[i][c + 1], sums[i][c])));
      }
    }
  }

  template <int kQueries>
  SVD_AVX512_BF16 void answer(const bf16* q, int64_t frames, int64_t frame_stride, int64_t result_stride, bf16* y) {
    weigh<kQueries>(q, frames, frame_stride);
    mix<kQueries>(frames, result_stride, y);
  }
};

// Rows of one position lie a frame apart, too many streams for the hardware to foresee.
SVD_AVX512_BF16 inline void prefetch(const bf16* q, int64_t frames, int64_t frame_stride, int64_t channels) {
  for (int64_t frame = 0; frame < frames; ++frame, q += frame_stride) {
    for (int64_t part = 0; part < 3; ++part) {  // q, k and v: two cache lines each
      const char* line = reinterpret_cast<const char*>(q + part * channels);
      _mm_prefetch(line, _MM_HINT_T0);
      _mm_prefetch(line + 64, _MM_HINT_T0);
    }
  }
}

template <int kGroups>
SVD_AVX512_BF16 void attend(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t begin,
                            int64_t end, bf16* y) {
  const int64_t channels = heads * kWidth;
  const int64_t frame_stride = positions * 3 * channels, result_stride = positions * channels;
  Head<kGroups> head;
  for (int64_t position = begin; position < end; ++position) {
    for (int64_t h = 0; h < heads; ++h) {
      const bf16* q = qkv + position * 3 * channels + h * kWidth;
      if (h + 1 < heads) {
        prefetch(q + kWidth, frames, frame_stride, channels);
      } else if (position + 1 < end) {
        prefetch(qkv + (position + 1) * 3 * channels, frames, frame_stride, channels);
      }
      head.load(q + channels, q + 2 * channels, frames, frame_stride);
      bf16* result = y + position * channels + h * kWidth;
      int64_t frame = 0;
      for (; frame + kTogether <= frames; frame += kTogether) {
        head.template answer<kTogether>(q + frame * frame_stride, frames, frame_stride, result_stride,
                                        result + frame * result_stride);
      }
      for (; frame < frames; ++frame) {
        head.template answer<1>(q + frame * frame_stride, frames, frame_stride, result_stride,
                                result + frame * result_stride);
      }
    }
  }
}

}  // namespace

SVD_AVX512_BF16 void among_frames_avx512_bf16(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads,
                                              int64_t begin, int64_t end, bf16* y) {
  (frames <= 16 ? attend<1> : attend<2>)(qkv, frames, positions, heads, begin, end, y);
}

}  // namespace svd::kernels
