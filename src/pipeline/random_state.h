// What svd::Random holds.
#pragma once

#include "diffusion/random.h"
#include "svd/model.h"

namespace svd {

struct Random::State {
  TorchCpuGenerator generator;
};

}  // namespace svd
