// The kernels of the bf16 backend, as a set for one instruction set.
#pragma once

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/matrix.h"

namespace svd::kernels {

struct Bf16Kernels {
  const MatrixKernel& matrix;
  const FinishKernel& finish;
  const AttentionKernel& attention;
};

}  // namespace svd::kernels
