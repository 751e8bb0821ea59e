// The calls of the networks that are measured, each loaded and run as the pipeline does it.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "models/network_call.h"
#include "models/weight_scope.h"

namespace svd::bench {

struct NetworkCall {
  std::string_view name;  // "unet": a literal
  // Binds and packs the weights; what it returns computes once, from the same input each time. The loader is needed
  // during load() only, its backend also during and between the computations.
  std::function<std::function<Tensor()>(WeightLoader& loader)> load;
};

// One call each of the CLIP image encoder ("clip") and the VAE encoder ("encode"), both on one picture, of the UNet
// ("unet") and of the decoder ("decode"). On a planner they only count.
std::vector<NetworkCall> network_calls(const StableVideoConfig& config, const CallSizes& sizes);

struct CallPlan {
  double flops = 0;
  uint64_t peak_bytes = 0;  // weights and activations
};

// What the call takes on that backend. `observer`, if given, sees its operations.
CallPlan plan_call(const NetworkCall& call, const Backend& backend, OpObserver* observer = nullptr);

}  // namespace svd::bench
