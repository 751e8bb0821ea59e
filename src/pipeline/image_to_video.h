// A picture becomes a video: what the whole program is about.
#pragma once

#include <functional>
#include <vector>

#include "diffusion/random.h"
#include "pipeline/frame_output.h"
#include "pipeline/parts.h"
#include "pipeline/plan.h"
#include "pipeline/settings.h"

namespace svd {

// What the steps of one run share. Everything is borrowed.
struct PipelineRun {
  const PartSource& source;
  KeptParts& parts;
  const PipelinePlan& plan;
  const std::function<void(const TensorRecord&)>& record;  // may be empty
  const std::function<void(const StepView&)>& on_step;     // may be empty
  FrameDelivery frames = {};

  const StableVideoConfig& config() const { return source.config; }
  Backend& backend() const { return source.backend; }
  ProgressReporter& progress() const { return source.progress; }
};

// Throws Error(cancelled) and what the parts throw. Each part of the model that is not kept is loaded before and
// released after its use. Returns the frames that are to be kept.
std::vector<Image> image_to_video(const PipelineRun& context, const Image& image, const Settings& settings,
                                  Generator& generator);

}  // namespace svd
