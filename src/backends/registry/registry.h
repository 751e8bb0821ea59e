// The backends of this build: every folder beside this one that registers itself (src/backends/CMakeLists.txt).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ops/backend.h"
#include "svd/options.h"

namespace svd {

struct BackendOptions {
  Device device = {};
  Precision precision = Precision::automatic;
  int threads = 0;  // 0: all cores this process may use
};

// What a backend's folder offers.
struct BackendEntry {
  DeviceKind device;
  int preference;                             // Device automatic takes the largest that works here; 0: never by itself
  std::span<const Precision> precisions;      // the first is its own choice
  std::string (*why_unavailable)(int index);  // empty when the device is there
  // Called with a precision of the list. Throws Error(unsupported) for a device that is not there.
  std::unique_ptr<Backend> (*make)(const BackendOptions& options);
};

std::span<const BackendEntry> registered_backends();

// Throws Error(unsupported) for a device that this build or machine lacks, or a precision that the device does not
// compute in; the message says what there is.
std::unique_ptr<Backend> make_backend(const BackendOptions& options);

}  // namespace svd
