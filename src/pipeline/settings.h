// A request with its defaults filled in and its numbers checked.
#pragma once

#include <memory>
#include <vector>

#include "diffusion/guidance.h"
#include "diffusion/sampler.h"
#include "svd/model.h"

namespace svd {

struct Settings {
  int width, height;  // pixels, multiples of 64
  int num_frames, num_steps;
  int fps_id, motion_bucket_id;
  float cond_aug;
  int decoding_t;
  std::vector<float> sigmas;  // [num_steps + 1]
  std::shared_ptr<const Sampler> sampler;
  std::shared_ptr<const Guider> guider;
  bool watermark;

  int latent_width() const { return width / 8; }
  int latent_height() const { return height / 8; }
  // Of the UNet, in the whole run.
  int network_calls() const { return sampler->evaluations(num_steps) * (guider->needs_unconditional() ? 2 : 1); }
};

// Throws Error(invalid_argument) that names the option.
Settings resolve(const Request& request, Version version);

}  // namespace svd
