// A request with its defaults filled in and its numbers checked.
#pragma once

#include "svd/model.h"

namespace svd {

struct Settings {
  int width, height;  // pixels, multiples of 64
  int num_frames, num_steps;
  int fps_id, motion_bucket_id;
  float cond_aug;
  int decoding_t;
  float min_guidance, max_guidance;
  bool watermark;

  int latent_width() const { return width / 8; }
  int latent_height() const { return height / 8; }
};

// Throws Error(invalid_argument) that names the option.
Settings resolve(const Request& request, Version version);

}  // namespace svd
