#include "pipeline/plan.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "models/network_call.h"
#include "pipeline/progress.h"

namespace svd {
namespace {

// Code, libraries, oneDNN's compiled kernels and thread stacks: measured with a tiny model.
constexpr uint64_t kProcessBytes = uint64_t{160} << 20;

class CostSum final : public OpObserver {
 public:
  void before(const OpInfo&) override {}
  void after(const OpInfo& op) override {
    flops += op.flops;
    cost += cost_of(op);
  }
  double flops = 0, cost = 0;
};

// Loads a network on a planner of its own and calls it there once.
template <typename Network>
PartPlan plan_part(const StableVideoConfig& config, const CallSizes& sizes, const Backend& backend) {
  const auto planner = backend.make_planner();
  CostSum sum;
  planner->set_observer(&sum);
  WeightLoader loader(nullptr, *planner);
  const Network network = part_of(std::type_identity<Network>(), config).bind(loader);
  const uint64_t weights = planner->memory().live;
  const MakeInput unfilled = [](Backend& b, std::string_view, const Shape& shape) {
    return b.allocate(shape, DType::f32);
  };
  call_network(*planner, network, config, sizes, unfilled);
  return {sum.flops, sum.cost, planner->memory().peak, weights};
}

}  // namespace

PipelinePlan plan_pipeline(const StableVideoConfig& config, const Settings& s, const Backend& backend) {
  const int chunk = std::min(s.decoding_t, s.num_frames), rest = s.num_frames % chunk;
  CallSizes sizes{.width = s.width, .height = s.height, .frames = s.num_frames, .decode_frames = chunk};
  PipelinePlan plan;
  plan.clip = plan_part<ClipVision>(config, sizes, backend);
  plan.encoder = plan_part<AutoencoderEncoder>(config, sizes, backend);
  plan.unet = plan_part<VideoUNet>(config, sizes, backend);
  plan.whole_chunks = s.num_frames / chunk;
  plan.decoder = plan_part<AutoencoderDecoder>(config, sizes, backend);
  sizes.decode_frames = rest;
  if (rest > 0) plan.last_decoder = plan_part<AutoencoderDecoder>(config, sizes, backend);

  const uint64_t all_weights =
      plan.clip.weight_bytes + plan.encoder.weight_bytes + plan.unet.weight_bytes + plan.decoder.weight_bytes;
  const std::pair<Phase, const PartPlan&> parts[] = {{Phase::encoding, plan.clip},
                                                     {Phase::encoding, plan.encoder},
                                                     {Phase::denoising, plan.unet},
                                                     {Phase::decoding, plan.decoder}};
  for (const auto& [phase, part] : parts) {
    plan.peak_bytes_keeping_parts =
        std::max(plan.peak_bytes_keeping_parts, part.peak_bytes + all_weights - part.weight_bytes);
    if (part.peak_bytes <= plan.peak_bytes) continue;
    plan.peak_bytes = part.peak_bytes;
    plan.peak_phase = phase;
  }
  if (backend.memory_kind() == MemoryKind::host) {
    const uint64_t frame_bytes = uint64_t{3} * static_cast<uint64_t>(s.width) * static_cast<uint64_t>(s.height);
    const uint64_t process = kProcessBytes + static_cast<uint64_t>(s.num_frames) * frame_bytes;
    plan.peak_bytes += process;
    plan.peak_bytes_keeping_parts += process;
  }
  plan.flops = plan.clip.flops + plan.encoder.flops + s.network_calls() * plan.unet.flops +
               plan.whole_chunks * plan.decoder.flops + plan.last_decoder.flops;
  return plan;
}

}  // namespace svd
