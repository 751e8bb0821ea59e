// The backends that whole networks are tested on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "svd/error.h"

namespace svd::test {

struct NetworkBackend {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};

inline std::vector<NetworkBackend> network_backends() {
  const Threads threads(available_cores());
  return {
      {"reference_f32", [=] { return make_reference_backend(threads); }},
      {"cpu_f32",
       [=] {
         return make_cpu_backend({Precision::f32, threads});
       }},
      {"cpu_bf16",
       [=] {
         return make_cpu_backend({Precision::bf16, threads});
       }},
  };
}

// Null where the CPU does not have what it takes.
inline std::unique_ptr<Backend> make_or_skip(const NetworkBackend& backend) {
  try {
    return backend.make();
  } catch (const Error& e) {
    if (e.code() == ErrorCode::unsupported) return nullptr;
    throw;
  }
}

}  // namespace svd::test
