// The denoiser that the sampler calls: two halves of the UNet's work, combined by the guider.
#pragma once

#include <span>
#include <vector>

#include "diffusion/guidance.h"
#include "models/video_unet.h"
#include "pipeline/communicator.h"

namespace svd {

// What the network is told about the picture, on the host.
struct ConditioningValues {
  std::vector<float> clip_embedding;  // [1, D]
  std::vector<float> concat_latent;   // [1, 4, h, w]
  std::vector<float> vector;          // [1, 768]
};

// D(x, sigma) of the conditional half and, with zeros for the embedding and the latent, of the unconditional one. With
// one rank the halves are computed one after the other, which takes half the memory of a double batch; with more, rank
// 0 computes the conditional half and rank 1 the other, and every rank combines them: the result is the same to the
// last bit. Everything but the conditioning is borrowed. Not thread-safe.
class GuidedDenoiser {
 public:
  // latents: [T, 4, h, w]
  GuidedDenoiser(Backend& backend, const VideoUNet& unet, const Guider& guider, Agreement& agreement,
                 const Shape& latents, const ConditioningValues& conditioning);

  // x and denoised: [T, 4, h, w]. Throws what the backend throws, and Error(cancelled) when another rank has stopped.
  void operator()(std::span<const float> x, float sigma, std::span<float> denoised);

  // The halves of the latest call: [T, 4, h, w]; the second is empty when the guider does not need it.
  std::span<const float> conditional() const { return conditional_; }
  std::span<const float> unconditional() const { return unconditional_; }

 private:
  struct Half {
    UNetConditioning conditioning;
    std::vector<float> concat_latent;  // [1, 4, h, w]
  };
  void run(const Half& half, std::span<const float> x, float sigma, std::span<float> denoised);

  Backend& backend_;
  const VideoUNet& unet_;
  const Guider& guider_;
  Agreement& agreement_;
  const Shape latents_;  // [T, 4, h, w]
  const Half conditional_half_, unconditional_half_;
  std::vector<float> conditional_, unconditional_;  // [T, 4, h, w]
};

}  // namespace svd
