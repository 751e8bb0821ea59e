#include "pipeline/checkpoint_check.h"

#include "backends/planning/planning_backend.h"
#include "base/fail.h"
#include "models/parts.h"
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
  const auto counting = make_counting_backend();
  WeightLoader loader(&source, *counting);
  for_each_part(config, [&](const auto& part) { part.bind(loader); });
  loader.finish("model");
}

}  // namespace svd
