#include "pipeline/checkpoint_check.h"

#include <string>
#include <string_view>

#include "backends/planning/planning_backend.h"
#include "base/fail.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/video_unet.h"
#include "models/weight_scope.h"

namespace svd {

void check_decoder(const LoadOptions& options, const StableVideoConfig& config) {
  const VersionDefaults& version = defaults_of(options.version);
  if (config.decoder.temporal_decoder == version.temporal_decoder) return;
  const auto kind = [](bool temporal) { return temporal ? "the temporal decoder" : "an image decoder"; };
  fail(ErrorCode::bad_file, "{}: version {} has {}, the file has {}; give the version that the file is of",
       options.checkpoint.string(), version.name, kind(version.temporal_decoder),
       kind(config.decoder.temporal_decoder));
}

void check_complete(const TensorSource& source, const StableVideoConfig& config) {
  const auto planning = make_planning_backend(DType::bf16);
  WeightLoader loader(&source, *planning);
  const auto at = [&](std::string_view prefix) { return WeightScope(loader, std::string(prefix)); };
  ClipVision(at(part::kClip), config.clip);
  AutoencoderEncoder(at(part::kEncoder), config.encoder);
  VideoUNet(at(part::kUNet), config.unet);
  AutoencoderDecoder(at(part::kDecoder), config.decoder);
  loader.finish("model");
}

}  // namespace svd
