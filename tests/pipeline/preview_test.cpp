// The preview's colours are those of the video, with the demo model: an untrained network's latents have none.
#include <gtest/gtest.h>

#include <cmath>

#include "svd/svd.h"

namespace svd::test {
namespace {

constexpr int kScale = 8;  // pixels per pixel of the preview, in each direction

// Mean difference of the preview's colours from the frame's means over 8 x 8 pixels, in 8-bit steps.
double colour_error(const Image& preview, const Image& frame) {
  double sum = 0;
  for (int y = 0; y < preview.height; ++y) {
    for (int x = 0; x < preview.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        double mean = 0;
        for (int i = 0; i < kScale * kScale; ++i) {
          const int row = kScale * y + i / kScale, column = kScale * x + i % kScale;
          mean += frame.rgb[static_cast<size_t>((row * frame.width + column) * 3 + c)] / 64.0;
        }
        sum += std::abs(preview.rgb[static_cast<size_t>((y * preview.width + x) * 3 + c)] - mean);
      }
    }
  }
  return sum / static_cast<double>(preview.rgb.size());
}

TEST(PreviewColours, AreThoseOfTheVideo) {
  Model model({.version = Version::svd_demo, .checkpoint = SVD_DEMO_CHECKPOINT});
  std::vector<Image> preview;
  Request request{.image = fit_to_model(read_image(SVD_DEMO_PICTURE), Version::svd_demo),
                  .num_frames = 4,
                  .num_steps = 6,
                  .decoding_t = 4,
                  .watermark = false};
  request.on_step = [&](const StepView& view) {
    if (view.step == view.steps) preview = view.preview();
  };
  Random random(23);
  const Video video = model.generate(request, random);
  ASSERT_EQ(preview.size(), video.frames.size());
  for (size_t t = 0; t < preview.size(); ++t) {
    ASSERT_EQ(preview[t].width * kScale, video.frames[t].width);
    ASSERT_EQ(preview[t].height * kScale, video.frames[t].height);
    // The frames' own spread is about 55.
    EXPECT_LE(colour_error(preview[t], video.frames[t]), 20) << "frame " << t;
  }
}

}  // namespace
}  // namespace svd::test
