#include "pipeline/backend_choice.h"

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "base/fail.h"

namespace svd {

namespace {

void check_precision(Precision precision) {
  switch (precision) {
    case Precision::automatic:
    case Precision::f32:
    case Precision::bf16: return;
  }
  fail(ErrorCode::invalid_argument, "precision: there is none with the number {}", static_cast<int>(precision));
}

}  // namespace

std::unique_ptr<Backend> make_backend(const LoadOptions& options) {
  check_precision(options.precision);
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
  fail(ErrorCode::invalid_argument, "device: there is none with the number {}", static_cast<int>(options.device));
}

}  // namespace svd
