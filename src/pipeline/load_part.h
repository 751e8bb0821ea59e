// Loading one part of the model from the checkpoint.
#pragma once

#include <string>
#include <string_view>

#include "backends/planning/planning_backend.h"
#include "models/weight_scope.h"
#include "pipeline/image_to_video.h"

namespace svd {

// A Part is constructed from (WeightScope, Config). Reports progress by the bytes of the checkpoint that it has read,
// and lets the pages of the file go afterwards. Throws Error(bad_file) that names everything missing.
template <typename Part, typename Config>
Part load_part(const PipelineContext& c, std::string_view prefix, const Config& config, std::string_view name) {
  uint64_t total = 0;
  {
    const auto planning = make_planning_backend(c.backend.activation_type());
    WeightLoader list(&c.source, *planning);
    Part(WeightScope(list, std::string(prefix)), config);
    list.finish(name);
    for (const auto& [tensor, shape] : list.needed()) {
      total += static_cast<uint64_t>(shape.numel()) * size_of(c.source.index().find(tensor)->second.type);
    }
  }
  c.progress.begin(Phase::loading, static_cast<double>(total), name);
  c.backend.pool().trim();
  WeightLoader loader(&c.source, c.backend, [&](uint64_t bytes) { c.progress.loaded(bytes); });
  Part part(WeightScope(loader, std::string(prefix)), config);
  loader.finish(name);
  c.source.release(prefix);
  return part;
}

}  // namespace svd
