// A picture becomes a video: what the whole program is about.
#pragma once

#include <functional>
#include <vector>

#include "checkpoint/tensor_source.h"
#include "diffusion/random.h"
#include "models/config.h"
#include "ops/backend.h"
#include "pipeline/planning.h"
#include "pipeline/progress.h"
#include "pipeline/settings.h"

namespace svd {

// What the steps of one run share. Everything is borrowed.
struct PipelineContext {
  const TensorSource& source;
  const StableVideoConfig& config;
  Backend& backend;
  const PipelinePlan& plan;
  ProgressReporter& progress;
  const std::function<void(const TensorRecord&)>& record;  // may be empty
};

// Throws Error(cancelled) and what the parts throw. Each part of the model is loaded before and released after its use.
std::vector<Image> image_to_video(const PipelineContext& context, const Image& image, const Settings& settings,
                                  Generator& generator);

}  // namespace svd
