// The loops that measure the peak: plausible, and more of it with more threads.
#include "bench/peak.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

constexpr double kTera = 1e12;
constexpr double kMostPerCore = 20 * kTera;  // well above any core that exists

bool has(Isa isa) {
  const auto all = supported_isas();
  return std::ranges::find(all, isa) != all.end();
}

TEST(Peak, EveryLoopOfThisCpuIsPlausible) {
  if (!has(Isa::avx2)) GTEST_SKIP() << "no AVX2";
  for (const Isa isa : supported_isas()) {
    for (const DType type : {DType::f32, DType::bf16}) {
      const PeakKernel kernel = peak_kernel(isa, type);
      const double peak = measure_peak(kernel, Threads(1));
      RecordProperty(std::string(kernel.name), std::to_string(peak / kTera));
      EXPECT_GT(peak, 0.001 * kTera) << kernel.name;
      EXPECT_LT(peak, kMostPerCore) << kernel.name;
    }
  }
}

TEST(Peak, SumsAreWhatTheLoopSaysItComputes) {
  if (!has(Isa::avx2)) GTEST_SKIP() << "no AVX2";
  // Lane 0 of all accumulators: they start at 0, 1, 2, ... and each iteration adds 2^-10 per product: exact in float32.
  const double product = 0x1p-10;
  EXPECT_EQ(peak_avx2(1000), 12 * 11 / 2 + 12 * 1000 * product);
  if (has(Isa::avx512)) {
    EXPECT_EQ(peak_avx512(1000), 24 * 23 / 2 + 24 * 1000 * product);
  }
  if (has(Isa::avx512_bf16)) {
    EXPECT_EQ(peak_avx512_bf16(1000), 24 * 23 / 2 + 24 * 1000 * 2 * product);
  }
  if (has(Isa::amx_bf16)) {
    request_amx_permission();
    EXPECT_EQ(peak_amx_bf16(1000), 4 * 1000 * 32 * product);
  }
}

TEST(Peak, TwoThreadsDoMoreThanOne) {
  if (available_cores() < 2) GTEST_SKIP() << "one core";
  if (!has(Isa::avx2)) GTEST_SKIP() << "no AVX2";
  const PeakKernel kernel = peak_kernel(Isa::avx2, DType::f32);
  double ratio = 0;
  for (int attempt = 0; attempt < 5 && ratio < 1.2; ++attempt) {
    ratio = measure_peak(kernel, Threads(2)) / measure_peak(kernel, Threads(1));
  }
  if (ratio < 1.2) GTEST_SKIP() << "the machine is busy: two threads do " << ratio << " times the work of one";
}

TEST(Peak, Bf16IsWidenedWhereThereIsNoInstruction) {
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    EXPECT_EQ(peak_kernel(isa, DType::bf16).name, peak_kernel(isa, DType::f32).name);
  }
}

}  // namespace
}  // namespace svd::bench
