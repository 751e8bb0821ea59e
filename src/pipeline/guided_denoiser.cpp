#include "pipeline/guided_denoiser.h"

#include <algorithm>

#include "base/fail.h"
#include "diffusion/schedule.h"

namespace svd {
namespace {

constexpr int kConditionalRank = 0, kUnconditionalRank = 1;

std::vector<float> zeros_like(const std::vector<float>& values) { return std::vector<float>(values.size()); }

UNetConditioning upload(Backend& b, const std::vector<float>& embedding, const std::vector<float>& vector) {
  return {.context = b.upload({1, static_cast<int64_t>(embedding.size())}, embedding),
          .vector = b.upload({1, static_cast<int64_t>(vector.size())}, vector)};
}

// The network's input [T, 4 + 4, h, w]: the noisy latents times c_in, then the same conditioning latent for each frame.
std::vector<float> network_input(std::span<const float> x, float c_in, const std::vector<float>& concat,
                                 int64_t frames) {
  const size_t noisy = x.size() / static_cast<size_t>(frames);  // values of a frame: 4 h w
  std::vector<float> input;
  input.reserve(x.size() + static_cast<size_t>(frames) * concat.size());
  for (size_t first = 0; first < x.size(); first += noisy) {
    for (const float v : x.subspan(first, noisy)) input.push_back(c_in * v);
    input.insert(input.end(), concat.begin(), concat.end());
  }
  return input;
}

}  // namespace

GuidedDenoiser::GuidedDenoiser(Backend& backend, const VideoUNet& unet, const Guider& guider, Agreement& agreement,
                               const Shape& latents, const ConditioningValues& c)
    : backend_(backend),
      unet_(unet),
      guider_(guider),
      agreement_(agreement),
      latents_(latents),
      conditional_half_{upload(backend, c.clip_embedding, c.vector), c.concat_latent},
      unconditional_half_{upload(backend, zeros_like(c.clip_embedding), c.vector), zeros_like(c.concat_latent)},
      conditional_(static_cast<size_t>(latents.numel())),
      unconditional_(guider.needs_unconditional() ? conditional_.size() : 0) {}

void GuidedDenoiser::operator()(std::span<const float> x, float sigma, std::span<float> denoised) {
  Communicator& c = agreement_.communicator();
  const bool both = guider_.needs_unconditional(), divided = both && c.size() > 1;
  if (both && (!divided || c.rank() == kUnconditionalRank)) run(unconditional_half_, x, sigma, unconditional_);
  if (!divided || c.rank() == kConditionalRank) run(conditional_half_, x, sigma, conditional_);
  if (divided) {
    agreement_.go_on();
    c.broadcast(conditional_, kConditionalRank);
    c.broadcast(unconditional_, kUnconditionalRank);
  }
  guider_.combine(unconditional_, conditional_, denoised, static_cast<int>(latents_[0]));
}

void GuidedDenoiser::run(const Half& half, std::span<const float> x, float sigma, std::span<float> denoised) {
  const Preconditioning p = v_scaling_with_edm_c_noise(sigma);
  const std::vector<float> values = network_input(x, p.c_in, half.concat_latent, latents_[0]);
  const int64_t channels = static_cast<int64_t>(values.size()) / (latents_[0] * latents_[2] * latents_[3]);
  const Tensor input = backend_.upload({latents_[0], channels, latents_[2], latents_[3]}, values);  // [T, 8, h, w]
  backend_.download(unet_.forward(backend_, input, p.c_noise, half.conditioning), denoised);        // [T, 4, h, w]
  for (size_t i = 0; i < x.size(); ++i) denoised[i] = p.c_skip * x[i] + p.c_out * denoised[i];
}

}  // namespace svd
