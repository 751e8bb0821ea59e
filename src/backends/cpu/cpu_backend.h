// The CPU backend: oneDNN for convolutions and matrix products, own SIMD kernels for the rest.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "ops/backend.h"
#include "svd/options.h"

namespace svd {

struct CpuOptions {
  Precision precision = Precision::automatic;
  Threads threads{available_cores()};
};

// bf16 keeps activations and weights in bfloat16 and accumulates in float32. Throws Error(unsupported) when bf16 is
// asked of a CPU that does not have it, and for a bad SVD_FORCE_ISA (see isa.h).
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

// What `automatic` would choose here: f32 or bf16.
Precision best_cpu_precision();

}  // namespace svd
