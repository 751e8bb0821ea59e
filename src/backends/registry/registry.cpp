#include "backends/registry/registry.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/fail.h"

namespace svd {

// One function for each backend's folder.
#define SVD_BACKEND(name) BackendEntry name##_backend();
#include "backend_list.inc"
#undef SVD_BACKEND

std::span<const BackendEntry> registered_backends() {
  static const std::vector<BackendEntry> kEntries = {
#define SVD_BACKEND(name) name##_backend(),
#include "backend_list.inc"
#undef SVD_BACKEND
  };
  return kEntries;
}

namespace {

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const BackendEntry& entry : registered_backends()) names.push_back(name_of(Device(entry.device)));
  return names;
}

const BackendEntry& best_available(int index) {
  const BackendEntry* best = nullptr;
  for (const BackendEntry& entry : registered_backends()) {
    if (entry.preference == 0 || (best && best->preference >= entry.preference)) continue;
    if (entry.why_unavailable(index).empty()) best = &entry;
  }
  if (!best) fail(ErrorCode::unsupported, "device auto: this build has none that works here");
  return *best;
}

const BackendEntry& entry_for(const Device& device) {
  if (device.kind == DeviceKind::automatic) return best_available(device.index);
  const auto entries = registered_backends();
  const auto it = std::ranges::find(entries, device.kind, &BackendEntry::device);
  if (it == entries.end()) {
    fail(ErrorCode::unsupported, "device {}: this build does not have it; there is {}", name_of(device),
         fmt::join(device_names(), ", "));
  }
  if (const std::string reason = it->why_unavailable(device.index); !reason.empty()) {
    fail(ErrorCode::unsupported, "device {}: {}", name_of(device), reason);
  }
  return *it;
}

}  // namespace

std::unique_ptr<Backend> make_backend(const BackendOptions& options) {
  const BackendEntry& entry = entry_for(options.device);
  BackendOptions chosen = options;
  chosen.device = Device(entry.device, options.device.index);
  if (chosen.precision == Precision::automatic) chosen.precision = entry.precisions.front();
  if (std::ranges::find(entry.precisions, chosen.precision) == entry.precisions.end()) {
    std::vector<std::string_view> names;
    for (const Precision p : entry.precisions) names.push_back(name_of(p));
    fail(ErrorCode::unsupported, "precision {}: device {} computes in {} only", name_of(chosen.precision),
         name_of(chosen.device), fmt::join(names, " and "));
  }
  return entry.make(chosen);
}

}  // namespace svd
