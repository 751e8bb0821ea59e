// A backend whose tensors pretend to be on a device: whoever reads or writes one without upload() or download() fails.
#pragma once

#include <memory>

#include "ops/backend.h"

namespace svd::test {

// Computes with `inner`, a backend in the host's memory. The addresses of its tensors fault when they are followed.
std::unique_ptr<Backend> make_pretend_device(std::unique_ptr<Backend> inner);

}  // namespace svd::test
