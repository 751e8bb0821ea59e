#include "bench/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>

#include "base/fail.h"
#include "bench/kernels/peak_kernels.h"

namespace svd::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

PeakKernel peak_kernel(Isa isa, DType type) {
  ensure(type == DType::f32 || type == DType::bf16, "peak: expected f32 or bf16, found {}", name_of(type));
  if (type == DType::bf16 && isa == Isa::amx_bf16) {
    request_amx_permission();
    return {"amx tdpbf16ps", kPeakAmxBf16Flops, peak_amx_bf16};
  }
  if (type == DType::bf16 && isa == Isa::avx512_bf16) {
    return {"avx512 vdpbf16ps", kPeakAvx512Bf16Flops, peak_avx512_bf16};
  }
  if (isa >= Isa::avx512) return {"avx512 vfmadd231ps", kPeakAvx512Flops, peak_avx512};
  return {"avx2 vfmadd231ps", kPeakAvx2Flops, peak_avx2};
}

double measure_peak(const PeakKernel& kernel, const Threads& threads, const std::function<void()>& between_rounds) {
  constexpr double kRoundSeconds = 0.1;
  constexpr int kRounds = 6;
  std::atomic<float> sink = 0;  // what makes the loops' results needed
  const auto round = [&](int64_t iterations) {
    return seconds_of(
        [&] { threads.for_ranges(threads.count(), [&](int64_t, int64_t) { sink.store(kernel.run(iterations)); }); });
  };
  // The length of a round, found by doubling; this also wakes the threads and brings the clock to its speed.
  int64_t iterations = 1 << 12;
  double seconds = round(iterations);
  while (seconds < kRoundSeconds / 4) seconds = round(iterations *= 2);
  iterations = std::max<int64_t>(1, std::llround(static_cast<double>(iterations) * kRoundSeconds / seconds));

  double best = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (between_rounds) between_rounds();
    const double flops = kernel.flops_per_iteration * static_cast<double>(iterations) * threads.count();
    best = std::max(best, flops / round(iterations));
  }
  return best;
}

MachinePeak measure_peak_of(Device device, Precision precision, int threads) {
  const bool f32 = device.kind == DeviceKind::reference || precision == Precision::f32;
  const PeakKernel kernel = peak_kernel(select_isa(), f32 ? DType::f32 : DType::bf16);
  return {measure_peak(kernel, Threads(threads == 0 ? available_cores() : threads)), kernel.name};
}

}  // namespace svd::bench
