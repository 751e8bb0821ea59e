#include "backends/reference/reference_backend.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "backends/planning/planning_backend.h"
#include "backends/reference/backend_class.h"
#include "backends/registry/registry.h"

namespace svd {
namespace reference {

std::string ReferenceBackend::describe() const {
  return fmt::format("reference, f32, {} thread{}", threads_.count(), threads_.count() == 1 ? "" : "s");
}

namespace {

// Workspace of a few megabytes is not planned.
class ReferenceMemory final : public MemoryModel {
 public:
  using MemoryModel::MemoryModel;
  size_t conv2d_weights(const Conv2dSpec& s) const override {
    return BlockMatrix::bytes_of(s.in_channels, s.out_channels, s.kernel * s.kernel);
  }
  size_t temporal_conv_weights(int64_t in, int64_t out) const override { return BlockMatrix::bytes_of(in, out, 3); }
  size_t linear_weights(int64_t in, int64_t out) const override { return BlockMatrix::bytes_of(in, out); }
  size_t vector_linear_weights(int64_t in, int64_t out) const override { return BlockMatrix::bytes_of(in, out); }
};

}  // namespace

std::unique_ptr<Backend> ReferenceBackend::make_planner() const {
  return make_planning_backend(std::make_unique<ReferenceMemory>(numerics()), NormFusion::separate);
}

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::none: return x;
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::gelu: return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
  }
  return x;
}

}  // namespace reference

std::unique_ptr<Backend> make_reference_backend(Threads threads) {
  return std::make_unique<reference::ReferenceBackend>(threads);
}

BackendEntry reference_backend() {
  static constexpr Precision kPrecisions[] = {Precision::f32};
  return {
      .device = DeviceKind::reference,
      .preference = 0,
      .precisions = kPrecisions,
      .why_unavailable = [](int index) { return std::string(index == 0 ? "" : "there is one only, without a number"); },
      .make =
          [](const BackendOptions& o) {
            return make_reference_backend(Threads(o.threads == 0 ? available_cores() : o.threads));
          }};
}

}  // namespace svd
