#include "pipeline/backend_choice.h"

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "base/fail.h"

namespace svd {

std::unique_ptr<Backend> make_backend(const LoadOptions& options) {
  const Threads threads(options.threads == 0 ? available_cores() : options.threads);
  switch (options.device) {
    case Device::automatic:
    case Device::cpu: return make_cpu_backend({options.precision, threads});
    case Device::reference:
      if (options.precision == Precision::bf16) {
        fail(ErrorCode::unsupported, "precision bf16: the reference device computes in f32 only");
      }
      return make_reference_backend(threads);
    case Device::cuda: fail(ErrorCode::unsupported, "device cuda: this build has no CUDA backend; use cpu");
  }
  fail(ErrorCode::internal, "unknown device {}", static_cast<int>(options.device));
}

}  // namespace svd
