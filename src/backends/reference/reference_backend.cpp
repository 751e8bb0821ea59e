#include "backends/reference/reference_backend.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "backends/reference/backend_class.h"

namespace svd {
namespace reference {

std::string ReferenceBackend::describe() const {
  return fmt::format("reference, f32, {} thread{}", threads_.count(), threads_.count() == 1 ? "" : "s");
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

}  // namespace svd
