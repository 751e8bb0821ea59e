#include "diffusion/guidance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/golden.h"
#include "svd/error.h"

namespace svd {
namespace {

using testing::ElementsAre;

TEST(Guidance, ScalesMatchTheReference) {
  const test::GoldenFile golden("samplers.safetensors");
  const LinearPredictionGuider linear(1.0f, 2.5f);
  const TrianglePredictionGuider triangle(1.0f, 2.5f);
  for (const int frames : {1, 2, 14, 25}) {
    const std::string suffix = "_1_2.5_" + std::to_string(frames);
    EXPECT_LE(test::relative_l2(linear.scales(frames), golden.f32("linear" + suffix)), 1e-6) << frames;
    EXPECT_LE(test::relative_l2(triangle.scales(frames), golden.f32("triangle" + suffix)), 1e-6) << frames;
  }
}

TEST(Guidance, EveryFrameGetsItsOwnScale) {
  const std::vector<float> unconditional{1, 2, 3, 4, 5, 6};
  const std::vector<float> conditional{2, 2, 4, 4, 6, 8};
  std::vector<float> out(6);
  LinearPredictionGuider(1.0f, 3.0f).combine(unconditional, conditional, out, 3);
  EXPECT_THAT(out, ElementsAre(2, 2, 5, 4, 8, 12));
  VanillaGuider(2.0f).combine(unconditional, conditional, out, 3);
  EXPECT_THAT(out, ElementsAre(3, 2, 5, 4, 7, 10));
}

TEST(Guidance, IdentityNeedsNoUnconditionalPrediction) {
  const IdentityGuider guider;
  EXPECT_FALSE(guider.needs_unconditional());
  EXPECT_TRUE(VanillaGuider(1.0f).needs_unconditional());
  std::vector<float> out(2);
  guider.combine({}, std::vector<float>{5, 6}, out, 2);
  EXPECT_THAT(out, ElementsAre(5, 6));
  EXPECT_THAT(guider.scales(2), ElementsAre(1, 1));
}

TEST(Guidance, MayWriteOverItsInput) {
  std::vector<float> unconditional{0, 0};
  VanillaGuider(3.0f).combine(unconditional, std::vector<float>{1, 2}, unconditional, 1);
  EXPECT_THAT(unconditional, ElementsAre(3, 6));
}

TEST(Guidance, SizesThatDoNotFitAreRefused) {
  const std::vector<float> two(2), three(3);
  std::vector<float> out(3);
  EXPECT_THROW(VanillaGuider(1.0f).combine(two, three, out, 1), Error);
  EXPECT_THROW(VanillaGuider(1.0f).combine(three, three, out, 2), Error);
  EXPECT_THROW(VanillaGuider(1.0f).combine(three, three, out, 0), Error);
  EXPECT_THROW(IdentityGuider().combine({}, two, out, 1), Error);
  EXPECT_THROW(LinearPredictionGuider(1.0f, 2.0f).scales(-1), Error);
}

}  // namespace
}  // namespace svd
