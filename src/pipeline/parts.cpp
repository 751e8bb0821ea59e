#include "pipeline/parts.h"

#include <string>
#include <string_view>

#include "backends/planning/planning_backend.h"
#include "models/weight_scope.h"

namespace svd {
namespace {

// A Part is constructed from (WeightScope, Config).
template <typename Part, typename Config>
std::shared_ptr<const Part> load(const PartSource& s, const KeptParts& parts, std::shared_ptr<const Part>& slot,
                                 std::string_view prefix, const Config& config, std::string_view name) {
  if (slot) return slot;
  uint64_t total = 0;
  {
    const auto planning = make_planning_backend(s.backend.activation_type());
    WeightLoader list(&s.tensors, *planning);
    Part(WeightScope(list, std::string(prefix)), config);
    list.finish(name);
    for (const auto& [tensor, shape] : list.needed()) {
      total += static_cast<uint64_t>(shape.numel()) * size_of(s.tensors.index().find(tensor)->second.type);
    }
  }
  s.progress.begin(Phase::loading, static_cast<double>(total), name);
  s.backend.pool().trim();
  WeightLoader loader(&s.tensors, s.backend, [&](uint64_t bytes) { s.progress.loaded(bytes); });
  auto part = std::make_shared<const Part>(WeightScope(loader, std::string(prefix)), config);
  loader.finish(name);
  s.tensors.release(prefix);
  if (parts.keep) slot = part;
  return part;
}

}  // namespace

std::shared_ptr<const ClipVision> clip_of(const PartSource& s, KeptParts& parts) {
  return load(s, parts, parts.clip, part::kClip, s.config.clip, "CLIP");
}

std::shared_ptr<const AutoencoderEncoder> encoder_of(const PartSource& s, KeptParts& parts) {
  return load(s, parts, parts.encoder, part::kEncoder, s.config.encoder, "VAE encoder");
}

std::shared_ptr<const VideoUNet> unet_of(const PartSource& s, KeptParts& parts) {
  return load(s, parts, parts.unet, part::kUNet, s.config.unet, "UNet");
}

std::shared_ptr<const AutoencoderDecoder> decoder_of(const PartSource& s, KeptParts& parts) {
  return load(s, parts, parts.decoder, part::kDecoder, s.config.decoder, "VAE decoder");
}

uint64_t weight_bytes(const StableVideoConfig& config, DType activation) {
  const auto planning = make_planning_backend(activation);
  WeightLoader loader(nullptr, *planning);
  const auto at = [&](std::string_view prefix) { return WeightScope(loader, std::string(prefix)); };
  const ClipVision clip(at(part::kClip), config.clip);
  const AutoencoderEncoder encoder(at(part::kEncoder), config.encoder);
  const VideoUNet unet(at(part::kUNet), config.unet);
  const AutoencoderDecoder decoder(at(part::kDecoder), config.decoder);
  return planning->pool().live_bytes();
}

}  // namespace svd
