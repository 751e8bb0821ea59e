// The networks of a model, loaded when their turn comes.
#pragma once

#include <cstdint>
#include <memory>
#include <tuple>

#include "checkpoint/tensor_source.h"
#include "models/parts.h"
#include "ops/backend.h"
#include "pipeline/progress.h"

namespace svd {

// What loading needs. Everything is borrowed.
struct PartSource {
  const TensorSource& tensors;
  const StableVideoConfig& config;
  Backend& backend;
  ProgressReporter& progress;
};

// Networks that stay in memory between runs; without `keep` none does, and one goes when its user lets go of it.
// Not thread-safe.
class KeptParts {
 public:
  bool keep = false;

  template <typename Network>
  std::shared_ptr<const Network>& slot() {
    return std::get<std::shared_ptr<const Network>>(slots_);
  }

 private:
  template <typename... Networks>
  using Slots = std::tuple<std::shared_ptr<const Networks>...>;
  OfAllNetworks<Slots> slots_;
};

// The kept network, or else one loaded from the checkpoint. Loading reports progress by the bytes of the checkpoint
// that it has read, and lets the pages of the file go afterwards. Throws Error(bad_file) that names everything missing.
template <typename Network>
std::shared_ptr<const Network> load_part(const PartSource& source, KeptParts& parts);

// What the weights of all parts take in that backend's memory.
uint64_t weight_bytes(const StableVideoConfig& config, const Backend& backend);

}  // namespace svd
