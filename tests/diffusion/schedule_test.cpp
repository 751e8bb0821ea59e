#include "diffusion/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/golden.h"
#include "svd/error.h"

namespace svd {
namespace {

constexpr double kTolerance = 1e-6;

TEST(EdmSigmas, MatchTheReference) {
  const test::GoldenFile golden("schedule.safetensors");
  for (const int steps : {1, 2, 3, 5, 10, 25, 30, 50}) {
    const auto sigmas = edm_sigmas({}, steps);
    const auto expected = golden.f32("sigmas_" + std::to_string(steps));
    ASSERT_EQ(sigmas.size(), expected.size());
    for (size_t i = 0; i < sigmas.size(); ++i) {  // each by itself: the small ones matter as much as the large
      EXPECT_NEAR(sigmas[i], expected[i], kTolerance * expected[i]) << steps << " steps, level " << i;
    }
  }
}

TEST(EdmSigmas, OtherRange) {
  const auto sigmas = edm_sigmas({.sigma_min = 0.03, .sigma_max = 14.6, .rho = 3.0}, 4);
  ASSERT_EQ(sigmas.size(), 5u);
  EXPECT_NEAR(sigmas[0], 14.6, 1e-5);
  EXPECT_NEAR(sigmas[1], std::pow((2 * std::cbrt(14.6) + std::cbrt(0.03)) / 3, 3), 1e-5);
  EXPECT_NEAR(sigmas[3], 0.03, 1e-6);
  EXPECT_EQ(sigmas[4], 0.0f);
}

TEST(EdmSigmas, BadParametersAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(edm_sigmas({}, 0), Error);
  EXPECT_THROW(edm_sigmas({.sigma_min = 0.0}, 5), Error);
  EXPECT_THROW(edm_sigmas({.sigma_min = 800.0}, 5), Error);
  EXPECT_THROW(edm_sigmas({.sigma_max = nan}, 5), Error);
  EXPECT_THROW(edm_sigmas({.rho = 0.0}, 5), Error);
  EXPECT_THROW(edm_sigmas({.rho = nan}, 5), Error);
  EXPECT_THROW(edm_sigmas({.rho = 1e9}, 50), Error);  // every level rounds to the same
}

TEST(LegacySigmas, MatchTheReference) {
  const test::GoldenFile golden("samplers.safetensors");
  for (const int steps : {10, 25, 30, 1000}) {
    const auto sigmas = legacy_ddpm_sigmas(steps);
    const auto expected = golden.f32("legacy_sigmas_" + std::to_string(steps));
    ASSERT_EQ(sigmas.size(), expected.size());
    for (size_t i = 0; i < sigmas.size(); ++i) {
      EXPECT_NEAR(sigmas[i], expected[i], kTolerance * expected[i]) << steps << " steps, level " << i;
    }
  }
}

TEST(LegacySigmas, EveryNumberOfStepsDecreasesStrictly) {
  for (int steps = 1; steps <= 1000; ++steps) {
    const auto sigmas = legacy_ddpm_sigmas(steps);
    for (size_t i = 0; i + 1 < sigmas.size(); ++i) ASSERT_GT(sigmas[i], sigmas[i + 1]) << steps << " steps";
  }
  EXPECT_THROW(legacy_ddpm_sigmas(0), Error);
  EXPECT_THROW(legacy_ddpm_sigmas(1001), Error);
}

TEST(Preconditioning, MatchesTheReference) {
  const test::GoldenFile golden("schedule.safetensors");
  const auto c_skip = golden.f32("c_skip_25"), c_out = golden.f32("c_out_25");
  const auto c_in = golden.f32("c_in_25"), c_noise = golden.f32("c_noise_25");
  const auto sigmas = edm_sigmas({}, 25);
  for (size_t i = 0; i < c_skip.size(); ++i) {
    const Preconditioning c = v_scaling_with_edm_c_noise(sigmas[i]);
    EXPECT_NEAR(c.c_skip, c_skip[i], kTolerance * std::abs(c_skip[i]));
    EXPECT_NEAR(c.c_out, c_out[i], kTolerance * std::abs(c_out[i]));
    EXPECT_NEAR(c.c_in, c_in[i], kTolerance * std::abs(c_in[i]));
    EXPECT_NEAR(c.c_noise, c_noise[i], kTolerance * std::abs(c_noise[i]));
  }
}

TEST(TimestepEmbedding, MatchesTheReference) {
  const test::GoldenFile golden("schedule.safetensors");
  const float c_noise = v_scaling_with_edm_c_noise(edm_sigmas({}, 25)[0]).c_noise;
  EXPECT_LE(test::relative_l2(timestep_embedding(0.02f, 256), golden.f32("temb_256_0p02")), kTolerance);
  EXPECT_LE(test::relative_l2(timestep_embedding(6.0f, 256), golden.f32("temb_256_6")), kTolerance);
  // 127 times the last bit of a frequency
  EXPECT_LE(test::relative_l2(timestep_embedding(127.0f, 320), golden.f32("temb_320_127")), 5e-6);
  EXPECT_LE(test::relative_l2(timestep_embedding(c_noise, 320), golden.f32("temb_320_c_noise_700")), kTolerance);
  EXPECT_THROW(timestep_embedding(1.0f, 7), Error);
  EXPECT_THROW(timestep_embedding(1.0f, 0), Error);
}

}  // namespace
}  // namespace svd
