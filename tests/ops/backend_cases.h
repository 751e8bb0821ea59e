// The backends whose operations are tested: one line each.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/reference/reference_backend.h"
#include "ops/backend.h"

namespace svd::test {

struct BackendCase {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;  // where the machine lacks something, Error(unsupported) skips
  double tolerance;                                // relative L2 error of one operation's result
};

inline void PrintTo(const BackendCase& c, std::ostream* out) { *out << c.name; }

inline std::vector<BackendCase> backend_cases() {
  return {
      {"reference/f32", [] { return make_reference_backend(Threads(2)); }, 1e-6},
  };
}

}  // namespace svd::test
