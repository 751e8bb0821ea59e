#include "pipeline/planning.h"

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

// Runs `part` on a planning backend of its own.
PartPlan plan_part(DType activation, const std::function<void(Backend&, WeightLoader&)>& part) {
  const auto backend = make_planning_backend(activation);
  CostSum sum;
  backend->set_observer(&sum);
  WeightLoader loader(nullptr, *backend);
  part(*backend, loader);
  return {sum.flops, sum.cost, backend->pool().peak_bytes()};
}

Tensor planned(Backend& b, const Shape& shape) { return Tensor(b.pool(), shape, DType::f32); }

PartPlan plan_decoder(const StableVideoConfig& config, const Settings& s, DType activation, int frames) {
  return plan_part(activation, [&](Backend& b, WeightLoader& loader) {
    const AutoencoderDecoder decoder(WeightScope(loader, std::string(part::kDecoder)), config.decoder);
    decoder.forward(b, planned(b, {frames, config.decoder.latent_channels, s.latent_height(), s.latent_width()}));
  });
}

}  // namespace

PipelinePlan plan_pipeline(const StableVideoConfig& config, const Settings& s, DType activation) {
  PipelinePlan plan;
  plan.clip = plan_part(activation, [&](Backend& b, WeightLoader& loader) {
    const ClipVision clip(WeightScope(loader, std::string(part::kClip)), config.clip);
    clip.forward(b, planned(b, {1, 3, config.clip.image_size, config.clip.image_size}));
  });
  plan.encoder = plan_part(activation, [&](Backend& b, WeightLoader& loader) {
    const AutoencoderEncoder encoder(WeightScope(loader, std::string(part::kEncoder)), config.encoder);
    encoder.forward(b, planned(b, {1, 3, s.height, s.width}));
  });
  plan.unet = plan_part(activation, [&](Backend& b, WeightLoader& loader) {
    const VideoUNet unet(WeightScope(loader, std::string(part::kUNet)), config.unet);
    const UNetConditioning conditioning{planned(b, {1, config.unet.context_channels}),
                                        planned(b, {1, config.unet.vector_channels})};
    unet.forward(b, planned(b, {s.num_frames, config.unet.in_channels, s.latent_height(), s.latent_width()}), 0.0f,
                 conditioning);
  });
  const int chunk = std::min(s.decoding_t, s.num_frames);
  plan.whole_chunks = s.num_frames / chunk;
  plan.decoder = plan_decoder(config, s, activation, chunk);
  if (const int rest = s.num_frames % chunk) plan.last_decoder = plan_decoder(config, s, activation, rest);

  const std::pair<Phase, uint64_t> phases[] = {
      {Phase::encoding, std::max(plan.clip.peak_bytes, plan.encoder.peak_bytes)},
      {Phase::denoising, plan.unet.peak_bytes},
      {Phase::decoding, plan.decoder.peak_bytes}};
  for (const auto& [phase, bytes] : phases) {
    if (bytes <= plan.peak_bytes) continue;
    plan.peak_bytes = bytes;
    plan.peak_phase = phase;
  }
  const uint64_t frame_bytes = uint64_t{3} * static_cast<uint64_t>(s.width) * static_cast<uint64_t>(s.height);
  plan.peak_bytes += kProcessBytes + static_cast<uint64_t>(s.num_frames) * frame_bytes;
  plan.flops = plan.clip.flops + plan.encoder.flops + 2.0 * s.num_steps * plan.unet.flops +
               plan.whole_chunks * plan.decoder.flops + plan.last_decoder.flops;
  return plan;
}

}  // namespace svd
