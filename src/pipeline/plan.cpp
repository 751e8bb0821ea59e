#include "pipeline/plan.h"

#include <algorithm>
#include <functional>

#include "backends/planning/planning_backend.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/video_unet.h"
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

Tensor planned(Backend& b, const Shape& shape) { return Tensor(b.pool(), shape, DType::f32); }

// Loads a Part on a planning backend of its own and runs it there.
template <typename Part, typename Config>
PartPlan plan_part(DType activation, std::string_view prefix, const Config& config,
                   const std::function<void(Backend&, const Part&)>& run) {
  const auto backend = make_planning_backend(activation);
  CostSum sum;
  backend->set_observer(&sum);
  WeightLoader loader(nullptr, *backend);
  const Part part(WeightScope(loader, std::string(prefix)), config);
  const uint64_t weights = backend->pool().live_bytes();
  run(*backend, part);
  return {sum.flops, sum.cost, backend->pool().peak_bytes(), weights};
}

PartPlan plan_decoder(const StableVideoConfig& config, const Settings& s, DType activation, int frames) {
  return plan_part<AutoencoderDecoder>(
      activation, part::kDecoder, config.decoder, [&](Backend& b, const AutoencoderDecoder& decoder) {
        decoder.forward(b, planned(b, {frames, config.decoder.latent_channels, s.latent_height(), s.latent_width()}));
      });
}

}  // namespace

PipelinePlan plan_pipeline(const StableVideoConfig& config, const Settings& s, DType activation) {
  PipelinePlan plan;
  plan.clip = plan_part<ClipVision>(activation, part::kClip, config.clip, [&](Backend& b, const ClipVision& clip) {
    clip.forward(b, planned(b, {1, 3, config.clip.image_size, config.clip.image_size}));
  });
  plan.encoder = plan_part<AutoencoderEncoder>(activation, part::kEncoder, config.encoder,
                                               [&](Backend& b, const AutoencoderEncoder& encoder) {
                                                 encoder.forward(b, planned(b, {1, 3, s.height, s.width}));
                                               });
  plan.unet = plan_part<VideoUNet>(activation, part::kUNet, config.unet, [&](Backend& b, const VideoUNet& unet) {
    const UNetConditioning conditioning{planned(b, {1, config.unet.context_channels}),
                                        planned(b, {1, config.unet.vector_channels})};
    unet.forward(b, planned(b, {s.num_frames, config.unet.in_channels, s.latent_height(), s.latent_width()}), 0.0f,
                 conditioning);
  });
  const int chunk = std::min(s.decoding_t, s.num_frames);
  plan.whole_chunks = s.num_frames / chunk;
  plan.decoder = plan_decoder(config, s, activation, chunk);
  if (const int rest = s.num_frames % chunk) plan.last_decoder = plan_decoder(config, s, activation, rest);

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
  const uint64_t frame_bytes = uint64_t{3} * static_cast<uint64_t>(s.width) * static_cast<uint64_t>(s.height);
  const uint64_t beside = kProcessBytes + static_cast<uint64_t>(s.num_frames) * frame_bytes;
  plan.peak_bytes += beside;
  plan.peak_bytes_keeping_parts += beside;
  plan.flops = plan.clip.flops + plan.encoder.flops + s.network_calls() * plan.unet.flops +
               plan.whole_chunks * plan.decoder.flops + plan.last_decoder.flops;
  return plan;
}

}  // namespace svd
