// The backends that whole networks are tested on: those of this build, each in its precisions, and one that pretends to
// be a device.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/registry/registry.h"
#include "support/pretend_device.h"
#include "svd/error.h"

namespace svd::test {

struct NetworkBackend {
  std::string name;  // "cpu_bf16"
  std::function<std::unique_ptr<Backend>()> make;
};

inline std::vector<NetworkBackend> network_backends() {
  std::vector<NetworkBackend> backends;
  for (const BackendEntry& entry : registered_backends()) {
    const std::string device = name_of(Device(entry.device));
    for (const Precision precision : entry.precisions) {
      const BackendOptions options{.device = entry.device, .precision = precision};
      backends.push_back({device + "_" + std::string(name_of(precision)), [options] { return make_backend(options); }});
    }
  }
  backends.push_back({"pretend_device", [] { return make_pretend_device(make_backend({.device = DeviceKind::cpu})); }});
  return backends;
}

// Null where the machine does not have what it takes.
inline std::unique_ptr<Backend> make_or_skip(const NetworkBackend& backend) {
  try {
    return backend.make();
  } catch (const Error& e) {
    if (e.code() == ErrorCode::unsupported) return nullptr;
    throw;
  }
}

}  // namespace svd::test
