// The backends whose operations are tested: those of this build, each in its precisions, and some variants.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/registry/registry.h"
#include "ops/backend.h"
#include "support/pretend_device.h"

namespace svd::test {

struct BackendCase {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;  // where the machine lacks something, Error(unsupported) skips
  double tolerance;                                // relative L2 error of one operation's result
};

inline void PrintTo(const BackendCase& c, std::ostream* out) { *out << c.name; }

// The reference is the truth for the others, and held to more.
inline double tolerance_of(DeviceKind device, Precision precision) {
  if (device == DeviceKind::reference) return 1e-6;
  return precision == Precision::bf16 ? 6e-3 : 1e-5;
}

inline std::vector<BackendCase> backend_cases() {
  std::vector<BackendCase> cases;
  const auto add = [&](std::string name, const BackendOptions& options) {
    cases.push_back({std::move(name), [options] { return make_backend(options); },
                     tolerance_of(options.device.kind, options.precision)});
  };
  for (const BackendEntry& entry : registered_backends()) {
    for (const Precision precision : entry.precisions) {
      add(name_of(Device(entry.device)) + "/" + std::string(name_of(precision)),
          {.device = entry.device, .precision = precision, .threads = 2});
    }
  }
  add("cpu/f32/3threads", {.device = DeviceKind::cpu, .precision = Precision::f32, .threads = 3});
  const BackendOptions inner{.device = DeviceKind::cpu, .precision = Precision::bf16, .threads = 2};
  cases.push_back({"pretend/device", [inner] { return make_pretend_device(make_backend(inner)); },
                   tolerance_of(inner.device.kind, inner.precision)});
  return cases;
}

}  // namespace svd::test
