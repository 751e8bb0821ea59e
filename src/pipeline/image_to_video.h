// A picture becomes a video: what the whole program is about.
#pragma once

#include <functional>
#include <vector>

#include "diffusion/random.h"
#include "pipeline/communicator.h"
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
  Communicator& communicator;  // with the other processes that make this video, if there are any
  const std::function<void(const TensorRecord&)>& record;  // may be empty
  const std::function<void(const StepView&)>& on_step;     // may be empty
  FrameDelivery frames = {};

  const StableVideoConfig& config() const { return source.config; }
  Backend& backend() const { return source.backend; }
  ProgressReporter& progress() const { return source.progress; }
};

// Frames [first, first + count).
struct FrameRange {
  int first, count;
};

// The ranges in which `frames` frames are decoded, at most `at_a_time` of them together.
std::vector<FrameRange> decoder_chunks(int frames, int at_a_time);

// Throws Error(cancelled) and what the parts throw. Each part of the model that is not kept is loaded before and
// released after its use.
std::vector<Image> image_to_video(const PipelineRun& run, const Image& image, const Settings& settings,
                                  Generator& generator);

}  // namespace svd
