#include "pipeline/parts.h"

#include <vector>

#include "models/weight_scope.h"

namespace svd {
namespace {

// What the checkpoint holds of a part, in bytes.
template <typename Part>
uint64_t checkpoint_bytes(const PartSource& s, const Part& part) {
  const auto planner = s.backend.make_planner();
  WeightLoader list(&s.tensors, *planner);
  part.bind(list);
  list.finish(part.name);
  uint64_t total = 0;
  for (const auto& [tensor, shape] : list.needed()) {
    total += static_cast<uint64_t>(shape.numel()) * size_of(s.tensors.index().find(tensor)->second.type);
  }
  return total;
}

}  // namespace

template <typename Network>
std::shared_ptr<const Network> load_part(const PartSource& s, KeptParts& parts) {
  std::shared_ptr<const Network>& slot = parts.slot<Network>();
  if (slot) return slot;
  const auto part = part_of(std::type_identity<Network>(), s.config);
  s.progress.begin(Phase::loading, static_cast<double>(checkpoint_bytes(s, part)), part.name);
  s.backend.trim();
  WeightLoader loader(&s.tensors, s.backend, [&](uint64_t bytes) { s.progress.loaded(bytes); });
  auto network = std::make_shared<const Network>(part.bind(loader));
  loader.finish(part.name);
  s.backend.finish();  // whatever is still on its way to a device is read from the checkpoint's pages
  s.tensors.release(part.prefix);
  if (parts.keep) slot = network;
  return network;
}

template std::shared_ptr<const ClipVision> load_part(const PartSource&, KeptParts&);
template std::shared_ptr<const AutoencoderEncoder> load_part(const PartSource&, KeptParts&);
template std::shared_ptr<const VideoUNet> load_part(const PartSource&, KeptParts&);
template std::shared_ptr<const AutoencoderDecoder> load_part(const PartSource&, KeptParts&);

uint64_t weight_bytes(const StableVideoConfig& config, const Backend& backend) {
  const auto planner = backend.make_planner();
  WeightLoader loader(nullptr, *planner);
  std::vector<std::shared_ptr<const void>> networks;  // all at a time
  for_each_part(config, [&]<typename Part>(const Part& part) {
    networks.push_back(std::make_shared<const typename Part::Network>(part.bind(loader)));
  });
  return planner->memory().live;
}

}  // namespace svd
