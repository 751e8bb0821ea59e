// A backend that computes nothing: its tensors have shapes and count as memory, but hold none. Running a network on it
// tells, before any work is done, which operations there will be, how many FLOPs they take and how much memory.
#pragma once

#include <memory>

#include "backends/planning/memory_model.h"
#include "ops/backend.h"

namespace svd {

enum class NormFusion { separate, in_convolutions };  // Backend::fuses_norms()

// What a backend's make_planner() returns.
std::unique_ptr<Backend> make_planning_backend(std::unique_ptr<MemoryModel> memory, NormFusion fusion);

// For lists of tensors and counts of operations, where no memory is meant.
std::unique_ptr<Backend> make_counting_backend();

}  // namespace svd
