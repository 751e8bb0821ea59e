#include <immintrin.h>

#include <cstddef>
#include <utility>

#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

// 24 independent sums: enough for any latency, and with the factors they fit the 32 registers.
template <size_t... I>
__attribute__((target("avx512f"))) float run(int64_t iterations, std::index_sequence<I...>) {
  volatile float factor = 1.0f / 32;  // volatile: not known to the compiler
  const __m512 a = _mm512_set1_ps(factor), b = _mm512_set1_ps(factor);
  __m512 sum[] = {_mm512_set1_ps(static_cast<float>(I))...};
  for (int64_t i = 0; i < iterations; ++i) ((sum[I] = _mm512_fmadd_ps(a, b, sum[I])), ...);
  __m512 total = _mm512_setzero_ps();
  ((total = _mm512_add_ps(total, sum[I])), ...);
  return _mm512_cvtss_f32(total);
}

}  // namespace

float peak_avx512(int64_t iterations) { return run(iterations, std::make_index_sequence<24>()); }

}  // namespace svd::bench
