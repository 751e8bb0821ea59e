// From the options of a model to the backend that runs it.
#pragma once

#include <memory>

#include "ops/backend.h"
#include "svd/model.h"

namespace svd {

// Throws Error: unsupported for a device that this build does not have, or one that lacks the precision;
// invalid_argument for numbers that are no device, no precision or no number of threads.
std::unique_ptr<Backend> make_backend(const LoadOptions& options);

}  // namespace svd
