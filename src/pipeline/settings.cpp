#include "pipeline/settings.h"

#include "base/fail.h"
#include "pipeline/sampling.h"

namespace svd {
namespace {

// Far beyond what the models can do, and small enough that no size overflows.
constexpr int kMostFrames = 1024;
constexpr int kMostSteps = 1000;
constexpr int kLargestSide = 4096;
// A frame of the decoder's widest activation (256 channels of float32) then has at most 2^31 bytes, within the 32-bit
// offsets of oneDNN's kernels.
constexpr int64_t kMostPixels = int64_t{1} << 21;
constexpr float kMostNoise = 100.0f;  // in units of the picture's [-1, 1]

int in_range(std::string_view option, int value, int least, int most) {
  if (value < least || value > most) {
    fail(ErrorCode::invalid_argument, "{}: expected a number from {} to {}, found {}", option, least, most, value);
  }
  return value;
}

float in_range(std::string_view option, float value, float least, float most) {
  if (!(value >= least && value <= most)) {  // NaN is refused as well
    fail(ErrorCode::invalid_argument, "{}: expected a number from {} to {}, found {}", option, least, most, value);
  }
  return value;
}

void check_image(const Image& image) {
  const auto right = [](int side) { return side >= 64 && side <= kLargestSide && side % 64 == 0; };
  if (!right(image.width) || !right(image.height)) {
    fail(ErrorCode::invalid_argument,
         "picture: expected sides that are multiples of 64 from 64 to {}, found {} x {}; scale it, to 1024 x 576 for "
         "instance",
         kLargestSide, image.width, image.height);
  }
  if (int64_t{image.width} * image.height > kMostPixels) {
    fail(ErrorCode::invalid_argument,
         "picture: {} x {} is more than the {} pixels supported; scale it down (1024 x 576 is what the models were "
         "trained on)",
         image.width, image.height, kMostPixels);
  }
  if (image.rgb.size() != static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3) {
    fail(ErrorCode::invalid_argument, "picture: {} x {} needs {} bytes of RGB, found {}", image.width, image.height,
         static_cast<size_t>(image.width) * static_cast<size_t>(image.height) * 3, image.rgb.size());
  }
}

}  // namespace

Settings resolve(const Request& r, Version version) {
  const VersionDefaults& defaults = defaults_of(version);
  check_image(r.image);
  const int num_steps = in_range("num_steps", r.num_steps.value_or(defaults.num_steps), 1, kMostSteps);
  return {
      .width = r.image.width,
      .height = r.image.height,
      .num_frames = in_range("num_frames", r.num_frames.value_or(defaults.num_frames), 1, kMostFrames),
      .num_steps = num_steps,
      .fps_id = in_range("fps_id", r.fps_id, 0, 1000),
      .motion_bucket_id = in_range("motion_bucket_id", r.motion_bucket_id, 0, 100000),
      .cond_aug = in_range("cond_aug", r.cond_aug, 0.0f, kMostNoise),
      .decoding_t = in_range("decoding_t", r.decoding_t, 1, 1 << 30),
      .sigmas = make_sigmas(r.discretization, num_steps),
      .sampler = make_sampler(r.sampler),
      .guider = make_guider(r.guider, defaults),
      .watermark = r.watermark,
  };
}

}  // namespace svd
