// What a request will cost, found by running the model on the backend's planner.
#pragma once

#include <cstdint>

#include "models/config.h"
#include "ops/backend.h"
#include "pipeline/settings.h"

namespace svd {

struct PartPlan {
  double flops = 0;         // of its operations
  double cost = 0;          // of its operations, as cost_of() counts
  uint64_t peak_bytes = 0;  // weights and activations
  uint64_t weight_bytes = 0;
};

struct PipelinePlan {
  PartPlan clip, encoder;
  PartPlan unet;          // one call
  PartPlan decoder;       // one whole chunk of frames
  PartPlan last_decoder;  // the last chunk, when it is shorter; else zeros
  int whole_chunks = 0;   // of decoding_t frames

  // Everything the process will take at its peak, and when, if only the part at work is in memory.
  uint64_t peak_bytes = 0;
  Phase peak_phase = Phase::denoising;
  uint64_t peak_bytes_keeping_parts = 0;  // if all parts stay in memory
  double flops = 0;                       // of the whole run
};

// What it takes on that backend. Of a backend in the host's memory the process itself counts too.
PipelinePlan plan_pipeline(const StableVideoConfig& config, const Settings& settings, const Backend& backend);

}  // namespace svd
