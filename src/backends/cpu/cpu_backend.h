// The CPU backend. In bfloat16 everything runs on kernels of this project; in float32 oneDNN does the convolutions and
// matrix products.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "ops/backend.h"
#include "svd/options.h"

namespace svd {

struct CpuOptions {
  Precision precision = Precision::automatic;  // bf16
  Threads threads{available_cores()};
};

// bf16 keeps activations and weights in bfloat16 and accumulates in float32, on CPUs that do not multiply bfloat16 too:
// it takes half the memory of f32 and about its time. Throws Error(unsupported) for a bad SVD_FORCE_ISA (see isa.h).
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

}  // namespace svd
