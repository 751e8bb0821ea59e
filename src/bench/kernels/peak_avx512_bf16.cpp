#include <immintrin.h>

#include <cstddef>
#include <utility>

#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

// As peak_avx512; every lane adds two products.
template <size_t... I>
__attribute__((target("avx512f,avx512bf16"))) float run(int64_t iterations, std::index_sequence<I...>) {
  volatile float factor = 1.0f / 32;  // volatile: not known to the compiler
  const __m512 wide = _mm512_set1_ps(factor);
  const __m512bh a = _mm512_cvtne2ps_pbh(wide, wide), b = a;
  __m512 sum[] = {_mm512_set1_ps(static_cast<float>(I))...};
  for (int64_t i = 0; i < iterations; ++i) ((sum[I] = _mm512_dpbf16_ps(sum[I], a, b)), ...);
  __m512 total = _mm512_setzero_ps();
  ((total = _mm512_add_ps(total, sum[I])), ...);
  return _mm512_cvtss_f32(total);
}

}  // namespace

float peak_avx512_bf16(int64_t iterations) { return run(iterations, std::make_index_sequence<24>()); }

}  // namespace svd::bench
