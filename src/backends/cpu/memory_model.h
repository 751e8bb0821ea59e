// What the CPU backend's weights and workspace take.
#pragma once

#include <memory>

#include "backends/planning/memory_model.h"
#include "base/parallel.h"

namespace svd::cpu {

// For bf16 on the project's kernels, for f32 on oneDNN. Each answer comes from beside the code that allocates.
std::unique_ptr<MemoryModel> make_memory_model(Numerics numerics, const Threads& threads);

}  // namespace svd::cpu
