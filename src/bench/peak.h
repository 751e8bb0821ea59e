// The most arithmetic this machine does: what measured speeds are put in relation to.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "backends/cpu/isa.h"
#include "base/parallel.h"
#include "svd/options.h"
#include "tensor/tensor.h"

namespace svd::bench {

struct PeakKernel {
  std::string_view name;  // of the instruction
  double flops_per_iteration;
  float (*run)(int64_t iterations);
};

// The fastest multiply-add of the instruction set for operands of the type, f32 or bf16; sums are float32. Where there
// is none for bf16, its operands are widened, and it is that for f32. Throws Error(unsupported) when the kernel refuses
// AMX.
PeakKernel peak_kernel(Isa isa, DType type);

// FLOP/s of all threads together: the best of several rounds of about 0.1 s in which all run at the same time.
// `between_rounds` may throw to stop.
double measure_peak(const PeakKernel& kernel, const Threads& threads, const std::function<void()>& between_rounds = {});

struct MachinePeak {
  double flops;  // per second
  std::string_view instruction;
};

// Of what a request with these settings computes in; threads: 0 for all cores.
MachinePeak measure_peak_of(Device device, Precision precision, int threads);

}  // namespace svd::bench
