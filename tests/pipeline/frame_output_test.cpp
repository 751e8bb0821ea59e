// Decoded values become bytes by truncation, as the reference does it: (clip((x + 1) / 2, 0, 1) * 255).astype(uint8).
#include "pipeline/frame_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/test_image.h"

namespace svd::test {
namespace {

// What a pixel of that value becomes.
int byte_of(float value) {
  const Request request{.image = {64, 64, test_image(64, 64, 0)}, .num_frames = 1, .watermark = false};
  const Settings settings = resolve(request, Version::svd);
  const std::function<void(const TensorRecord&)> no_record;
  const FrameDelivery delivery;
  FrameOutput output(settings, delivery, no_record);
  output.add(std::vector<float>(size_t{3} * 64 * 64, value));
  return output.finish().at(0).rgb.at(0);
}

float value_of(float byte) { return byte / 255 * 2 - 1; }

TEST(FrameOutput, TruncatesAndClips) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(byte_of(-1), 0);
  EXPECT_EQ(byte_of(value_of(0.99f)), 0);
  EXPECT_EQ(byte_of(value_of(1.01f)), 1);
  EXPECT_EQ(byte_of(0), 127);  // 127.5
  EXPECT_EQ(byte_of(value_of(254.99f)), 254);
  EXPECT_EQ(byte_of(1), 255);
  EXPECT_EQ(byte_of(1.01f), 255);
  EXPECT_EQ(byte_of(-1.01f), 0);
  EXPECT_EQ(byte_of(kInfinity), 255);
  EXPECT_EQ(byte_of(-kInfinity), 0);
  EXPECT_EQ(byte_of(kNaN), 0);
}

// Planes [3, H, W] of each frame to pixels [H, W, 3].
TEST(FrameOutput, PutsEveryValueInItsPlace) {
  const Request request{.image = {128, 64, test_image(64, 128, 0)}, .num_frames = 3, .watermark = false};
  const Settings settings = resolve(request, Version::svd);
  const std::function<void(const TensorRecord&)> no_record;
  const FrameDelivery delivery;
  FrameOutput output(settings, delivery, no_record);
  constexpr size_t kPixels = 64 * 128;
  const auto byte = [](size_t frame, size_t channel, size_t pixel) {
    return (97 * frame + 31 * channel + pixel) % 251;
  };
  for (size_t first = 0; first < 3; first += 2) {  // two frames, then one
    std::vector<float> planes;
    for (size_t i = 0; i < (first == 0 ? 2 : 1) * 3 * kPixels; ++i) {
      const size_t frame = first + i / (3 * kPixels), channel = i / kPixels % 3;
      planes.push_back(value_of(static_cast<float>(byte(frame, channel, i % kPixels)) + 0.5f));
    }
    output.add(planes);
  }
  const std::vector<Image> frames = output.finish();
  ASSERT_EQ(frames.size(), 3u);
  for (size_t i = 0; i < 9 * kPixels; ++i) {
    const size_t frame = i / (3 * kPixels), pixel = i / 3 % kPixels, channel = i % 3;
    ASSERT_EQ(frames[frame].rgb[i % (3 * kPixels)], byte(frame, channel, pixel)) << i;
  }
}

}  // namespace
}  // namespace svd::test
