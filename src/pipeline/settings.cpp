#include "pipeline/settings.h"

#include "base/fail.h"
#include "pipeline/sampling.h"
#include "svd/request_fields.h"

namespace svd {
namespace {

// Far beyond what the models can do, and small enough that no size overflows.
constexpr int kLargestSide = 4096;
// A frame of the decoder's widest activation (256 channels of float32) then has at most 2^31 bytes, within the 32-bit
// offsets of oneDNN's kernels.
constexpr int64_t kMostPixels = int64_t{1} << 21;

void check_image(const Image& image) {
  const auto fits = [](int side) { return side >= 64 && side <= kLargestSide && side % 64 == 0; };
  if (!fits(image.width) || !fits(image.height)) {
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

Settings resolve(const Request& request, Version version) {
  check_image(request.image);
  check_fields(request);
  const Request r = with_defaults(request, version);
  return {
      .width = r.image.width,
      .height = r.image.height,
      .num_frames = *r.num_frames,
      .num_steps = *r.num_steps,
      .fps_id = r.fps_id,
      .motion_bucket_id = r.motion_bucket_id,
      .cond_aug = r.cond_aug,
      .decoding_t = r.decoding_t,
      .sigmas = make_sigmas(r.discretization, *r.num_steps),
      .sampler = make_sampler(r.sampler),
      .guider = make_guider(r.guider),
      .watermark = r.watermark,
  };
}

}  // namespace svd
