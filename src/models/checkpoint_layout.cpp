#include "models/checkpoint_layout.h"

#include "backends/planning/planning_backend.h"
#include "models/parts.h"

namespace svd {

ShapeList checkpoint_layout(const StableVideoConfig& config, TextSide text) {
  const auto backend = make_counting_backend();
  WeightLoader loader(nullptr, *backend);
  const auto at = [&](std::string_view prefix) { return WeightScope(loader, std::string(prefix)); };
  // The models' own binding code, run without a file, names what it would look for.
  for_each_part(config, [&](const auto& part) { part.bind(loader); });
  // Both autoencoders are whole in the published files, though only one half of each is used.
  AutoencoderConfig image_decoder = config.encoder;
  image_decoder.temporal_decoder = false;
  AutoencoderDecoder(at(part::kEncoder), image_decoder);
  AutoencoderEncoder(at(part::kDecoder), config.decoder);

  if (text == TextSide::yes) {
    constexpr int64_t kContextLength = 77, kVocabulary = 49408;
    const int64_t width = config.clip.embedding;
    const WeightScope model = at("conditioner.embedders.0.open_clip.model");
    model.unused("positional_embedding", {kContextLength, width});
    model.unused("text_projection", {width, width});
    model.unused("logit_scale", {});
    model.unused("token_embedding.weight", {kVocabulary, width});
    model.unused("ln_final.weight", {width});
    model.unused("ln_final.bias", {width});
  }

  ShapeList shapes(loader.needed().begin(), loader.needed().end());
  shapes.insert(loader.unused().begin(), loader.unused().end());
  return shapes;
}

}  // namespace svd
