// A backend that computes nothing: its tensors have shapes and count as memory, but hold none. Running a network on it
// tells, before any work is done, which operations there will be, how many FLOPs they take and how much memory.
#pragma once

#include <memory>

#include "ops/backend.h"

namespace svd {

// Takes memory as the CPU backend in that activation type would: weights, results and the larger scratch buffers.
std::unique_ptr<Backend> make_planning_backend(DType activation);

}  // namespace svd
