#include "bench/network_calls.h"

#include <memory>
#include <string>

#include "backends/planning/planning_backend.h"
#include "checkpoint/synthetic.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/video_unet.h"

namespace svd::bench {
namespace {

// Any values of unit size do; those of the synthetic weights are at hand.
Tensor input(Backend& b, std::string_view name, const Shape& shape) {
  Tensor x(b.pool(), shape, DType::f32);
  if (x.has_data()) synthetic_uniform(name, 0, x.data<float>());
  return x;
}

template <typename Part, typename Config>
std::shared_ptr<const Part> load_part(WeightLoader& loader, std::string_view prefix, const Config& config,
                                      std::string_view name) {
  auto part = std::make_shared<const Part>(WeightScope(loader, std::string(prefix)), config);
  loader.finish(name);
  return part;
}

class FlopSum final : public OpObserver {
 public:
  explicit FlopSum(OpObserver* next) : next_(next) {}
  void before(const OpInfo& op) override {
    if (next_) next_->before(op);
  }
  void after(const OpInfo& op) override {
    flops += op.flops;
    if (next_) next_->after(op);
  }
  double flops = 0;

 private:
  OpObserver* next_;
};

}  // namespace

std::vector<NetworkCall> network_calls(const StableVideoConfig& config, const CallSizes& s) {
  const int64_t h = s.height / 8, w = s.width / 8;  // of the latents
  const auto clip = [c = config.clip](WeightLoader& loader) -> std::function<Tensor()> {
    return [c, &b = loader.backend(), part = load_part<ClipVision>(loader, part::kClip, c, "CLIP")] {
      return part->forward(b, input(b, "bench.picture", {1, 3, c.image_size, c.image_size}));  // [1, E]
    };
  };
  const auto encode = [c = config.encoder, s](WeightLoader& loader) -> std::function<Tensor()> {
    return [s, &b = loader.backend(), part = load_part<AutoencoderEncoder>(loader, part::kEncoder, c, "VAE encoder")] {
      return part->forward(b, input(b, "bench.picture", {1, 3, s.height, s.width}));  // [1, 2 z, h, w]
    };
  };
  const auto unet = [c = config.unet, s, h, w](WeightLoader& loader) -> std::function<Tensor()> {
    return [c, s, h, w, &b = loader.backend(), part = load_part<VideoUNet>(loader, part::kUNet, c, "UNet")] {
      const UNetConditioning conditioning{input(b, "bench.context", {1, c.context_channels}),
                                          input(b, "bench.vector", {1, c.vector_channels})};
      const Tensor x = input(b, "bench.latents", {s.frames, c.in_channels, h, w});  // [T, 8, h, w]
      return part->forward(b, x, 1.0f, conditioning);                               // [T, 4, h, w]
    };
  };
  const auto decode = [c = config.decoder, s, h, w](WeightLoader& loader) -> std::function<Tensor()> {
    return [c, s, h, w, &b = loader.backend(),
            part = load_part<AutoencoderDecoder>(loader, part::kDecoder, c, "VAE decoder")] {
      const Tensor x = input(b, "bench.latents", {s.decode_frames, c.latent_channels, h, w});  // [T, z, h, w]
      return part->forward(b, x);                                                              // [T, 3, H, W]
    };
  };
  return {{"clip", clip}, {"encode", encode}, {"unet", unet}, {"decode", decode}};
}

CallPlan plan_call(const NetworkCall& call, DType activation, OpObserver* observer) {
  const auto backend = make_planning_backend(activation);
  FlopSum sum(observer);
  backend->set_observer(&sum);
  WeightLoader loader(nullptr, *backend);
  const auto compute = call.load(loader);
  compute();
  return {sum.flops, backend->pool().peak_bytes()};
}

}  // namespace svd::bench
