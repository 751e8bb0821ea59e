// Whole runs at the frame counts of the published models, 14 and 25, through the public interface, against Hugging Face
// diffusers: chunks of the decoder, guidance over all frames, pictures that are not square and no power of two.
#pragma once

#include <string>

#include "svd/model.h"

namespace svd::test {

struct LongRun {
  std::string name;  // in tests/golden/long.safetensors, whose metadata has the arguments
  Version version;
  int height, width, picture, frames;
  uint64_t seed;
  float min_scale, max_scale;
};

inline const LongRun kSvd14{"svd14", Version::svd, 192, 320, 0, 14, 23, 1.0f, 2.5f};
inline const LongRun kXt25{"xt25", Version::svd_xt, 128, 192, 2, 25, 5, 1.5f, 3.0f};

// Expects the latents and the decoded frames to be those of the golden file.
void expect_golden(const LongRun& run, Precision precision);

}  // namespace svd::test
