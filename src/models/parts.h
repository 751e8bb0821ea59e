// The four networks of a model. They are listed here and nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/config.h"
#include "models/video_unet.h"

namespace svd {

// What is known of a network before it is loaded.
template <typename NetworkType, typename ConfigType>
struct ModelPart {
  using Network = NetworkType;
  std::string_view call;    // what one call of it does, for programs: "unet"
  std::string_view name;    // for people: "UNet"
  std::string_view prefix;  // of its tensors in the checkpoint
  const ConfigType& config;

  // Binds the network's weights. What is missing shows in loader.finish().
  Network bind(WeightLoader& loader) const { return Network(WeightScope(loader, std::string(prefix)), config); }
};

inline auto part_of(std::type_identity<ClipVision>, const StableVideoConfig& c) {
  return ModelPart<ClipVision, ClipVisionConfig>{"clip", "CLIP", part::kClip, c.clip};
}
inline auto part_of(std::type_identity<AutoencoderEncoder>, const StableVideoConfig& c) {
  return ModelPart<AutoencoderEncoder, AutoencoderConfig>{"encode", "VAE encoder", part::kEncoder, c.encoder};
}
inline auto part_of(std::type_identity<VideoUNet>, const StableVideoConfig& c) {
  return ModelPart<VideoUNet, VideoUNetConfig>{"unet", "UNet", part::kUNet, c.unet};
}
inline auto part_of(std::type_identity<AutoencoderDecoder>, const StableVideoConfig& c) {
  return ModelPart<AutoencoderDecoder, AutoencoderConfig>{"decode", "VAE decoder", part::kDecoder, c.decoder};
}

// A template over the networks, instantiated with all of them.
template <template <typename...> typename Of>
using OfAllNetworks = Of<ClipVision, AutoencoderEncoder, VideoUNet, AutoencoderDecoder>;

template <typename... Networks>
struct NetworkList {
  template <typename Visit>
  static void visit(const StableVideoConfig& config, const Visit& visit) {
    (visit(part_of(std::type_identity<Networks>(), config)), ...);
  }
};

// Calls visit(ModelPart) for each, in the order in which a video needs them. The config must outlive what is visited.
template <typename Visit>
void for_each_part(const StableVideoConfig& config, const Visit& visit) {
  OfAllNetworks<NetworkList>::visit(config, visit);
}

}  // namespace svd
