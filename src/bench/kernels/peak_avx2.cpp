#include <immintrin.h>

#include <cstddef>
#include <utility>

#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

// 12 independent sums cover the latency of 4 or 5 cycles at two instructions a cycle, and with the two factors they
// fit the 16 registers. The fold writes them out, so that they are registers in any build.
template <size_t... I>
__attribute__((target("avx2,fma"))) float run(int64_t iterations, std::index_sequence<I...>) {
  volatile float factor = 1.0f / 32;  // volatile: not known to the compiler
  const __m256 a = _mm256_set1_ps(factor), b = _mm256_set1_ps(factor);
  __m256 sum[] = {_mm256_set1_ps(static_cast<float>(I))...};
  for (int64_t i = 0; i < iterations; ++i) ((sum[I] = _mm256_fmadd_ps(a, b, sum[I])), ...);
  __m256 total = _mm256_setzero_ps();
  ((total = _mm256_add_ps(total, sum[I])), ...);
  return _mm256_cvtss_f32(total);
}

}  // namespace

float peak_avx2(int64_t iterations) { return run(iterations, std::make_index_sequence<12>()); }

}  // namespace svd::bench
