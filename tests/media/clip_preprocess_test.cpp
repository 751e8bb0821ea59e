#include "media/clip_preprocess.h"

#include "media_test_support.h"
#include "support/golden.h"

namespace svd::test {
namespace {

std::vector<float> planes(const Image& image) {  // [3, H, W] in [-1, 1]
  const size_t plane = image.rgb.size() / 3;
  std::vector<float> values(image.rgb.size());
  for (size_t i = 0; i < values.size(); ++i) values[i % 3 * plane + i / 3] = image.rgb[i] / 255.0f * 2 - 1;
  return values;
}

class ClipPreprocess : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(ClipPreprocess, IsTheReferences) {
  const auto [height, width] = GetParam();
  const auto found = clip_preprocess(planes(picture(height, width, 3)), height, width);
  const auto expected =
      GoldenFile("clip_preprocess.safetensors").f32("clip_" + std::to_string(height) + "x" + std::to_string(width));
  const double error = relative_l2(found, expected);
  EXPECT_LT(error, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Golden, ClipPreprocess,
                         testing::Values(std::pair(224, 224), std::pair(64, 128), std::pair(320, 192),
                                         std::pair(200, 1000), std::pair(576, 1024)));

TEST(ClipPreprocessEdges, TinyAndThinPicturesWork) {
  for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {1, 4000}, {225, 224}}) {
    const std::vector<float> grey(size_t{3} * height * width, 0.5f);
    const auto found = clip_preprocess(grey, height, width);
    ASSERT_EQ(found.size(), 3u * 224 * 224);
    for (const size_t at : {size_t{0}, size_t{224 * 224 - 1}}) {
      EXPECT_NEAR(found[at], (0.75 - 0.48145466) / 0.26862954, 1e-5) << height << "x" << width;
    }
  }
}

}  // namespace
}  // namespace svd::test
