// The backends whose operations are tested: one line each.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/cpu/cpu_backend.h"
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
      {"cpu/f32",
       [] {
         return make_cpu_backend({Precision::f32, Threads(2)});
       },
       1e-5},
      {"cpu/f32/3threads",
       [] {
         return make_cpu_backend({Precision::f32, Threads(3)});
       },
       1e-5},
      {"cpu/bf16",
       [] {
         return make_cpu_backend({Precision::bf16, Threads(2)});
       },
       6e-3},
  };
}

}  // namespace svd::test
