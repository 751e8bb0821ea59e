// The backend whose results are the truth for the others.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "ops/backend.h"

namespace svd {

// Plain loops over float32, without intrinsics and without libraries: written to be seen to be right. Sums are taken
// in float64, or in float32 over short runs. The threads share out outer loops; the result does not depend on their
// number.
std::unique_ptr<Backend> make_reference_backend(Threads threads);

}  // namespace svd
