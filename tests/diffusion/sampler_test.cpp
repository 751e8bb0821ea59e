#include "diffusion/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "diffusion/schedule.h"
#include "support/golden.h"
#include "svd/error.h"

namespace svd {
namespace {

// The denoiser for samples that are normal with mean 0.3 and variance 0.25: what the golden runs used.
constexpr float kMean = 0.3f;
constexpr float kVariance = 0.25f;

void analytic_denoiser(std::span<const float> x, float sigma, std::span<float> denoised) {
  for (size_t i = 0; i < x.size(); ++i) {
    denoised[i] = kMean + (x[i] - kMean) * kVariance / (kVariance + sigma * sigma);
  }
}

struct Case {
  std::string name;
  std::shared_ptr<const Sampler> sampler;
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

std::vector<Case> golden_cases() {
  const Churn churn{.s_churn = 3.0, .s_tmin = 0.05, .s_tmax = 50.0, .s_noise = 1.003};
  const Ancestral eta05{.eta = 0.5, .s_noise = 0.9};
  return {{"euler", std::make_shared<EulerEDMSampler>()},
          {"euler_churn", std::make_shared<EulerEDMSampler>(churn)},
          {"heun", std::make_shared<HeunEDMSampler>()},
          {"euler_ancestral", std::make_shared<EulerAncestralSampler>()},
          {"euler_ancestral_eta05", std::make_shared<EulerAncestralSampler>(eta05)},
          {"dpmpp2s_ancestral", std::make_shared<DPMPP2SAncestralSampler>()},
          {"dpmpp2m", std::make_shared<DPMPP2MSampler>()},
          {"lms2", std::make_shared<LinearMultistepSampler>(2)},
          {"lms4", std::make_shared<LinearMultistepSampler>(4)}};
}

class GoldenSampler : public testing::TestWithParam<Case> {};

TEST_P(GoldenSampler, MatchesTheReference) {
  const test::GoldenFile golden("samplers.safetensors");
  for (const auto& [discretization, sigmas] :
       {std::pair{"edm", edm_sigmas({}, 10)}, std::pair{"legacy", legacy_ddpm_sigmas(10)}}) {
    auto x = golden.f32("x0");
    TorchCpuGenerator generator(6);
    GetParam().sampler->sample(x, sigmas, analytic_denoiser, generator);
    const auto expected = golden.f32(GetParam().name + "_" + discretization + "_10");
    const double error = test::relative_l2(x, expected);
    RecordProperty(discretization, std::to_string(error * 1e6) + "e-6");
    EXPECT_LE(error, 1e-5) << discretization;
  }
}

INSTANTIATE_TEST_SUITE_P(Samplers, GoldenSampler, testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(SamplerStart, SeedFiveDrawsTheGoldenNoise) {
  const auto expected = test::GoldenFile("samplers.safetensors").f32("x0");
  std::vector<float> x(expected.size());
  TorchCpuGenerator(5).normal(x);
  EXPECT_LE(test::relative_l2(x, expected), 1e-6);
}

// For the analytic denoiser the equation has the exact solution x - mean = C sqrt(variance + sigma^2).
// The error after going from 2 to 0.1, starting at `noise` sqrt(1 + 2^2).
double ode_error(const Sampler& sampler, int steps) {
  constexpr double first = 2.0, last = 0.1, noise = 1.5;
  std::vector<float> sigmas;
  for (int i = 0; i <= steps; ++i) {
    sigmas.push_back(static_cast<float>(first * std::pow(last / first, static_cast<double>(i) / steps)));
  }
  std::vector<float> x(16, static_cast<float>(noise));
  TorchCpuGenerator generator(1);
  sampler.sample(x, sigmas, analytic_denoiser, generator);
  const double start = noise * std::sqrt(1 + first * first) - kMean;
  const double exact = kMean + start * std::sqrt((kVariance + last * last) / (kVariance + first * first));
  return std::abs(x[0] - exact);
}

// Halving the steps' length divides the error by 2^order.
double observed_order(const Sampler& sampler, int steps) {
  return std::log2(ode_error(sampler, steps) / ode_error(sampler, 2 * steps));
}

TEST(SamplerOrder, FirstOrder) {
  EXPECT_NEAR(observed_order(EulerEDMSampler(), 80), 1.0, 0.1);
  EXPECT_NEAR(observed_order(EulerAncestralSampler({.eta = 0.0}), 80), 1.0, 0.1);
  EXPECT_NEAR(observed_order(LinearMultistepSampler(1), 80), 1.0, 0.1);
}

TEST(SamplerOrder, SecondOrder) {
  EXPECT_NEAR(observed_order(HeunEDMSampler(), 20), 2.0, 0.25);
  EXPECT_NEAR(observed_order(DPMPP2SAncestralSampler({.eta = 0.0}), 20), 2.0, 0.25);
  EXPECT_NEAR(observed_order(DPMPP2MSampler(), 20), 2.0, 0.25);
  EXPECT_NEAR(observed_order(LinearMultistepSampler(2), 20), 2.0, 0.25);
}

TEST(SamplerOrder, FourStepsOfHistoryBeatTwo) {
  EXPECT_LT(ode_error(LinearMultistepSampler(4), 30), 0.3 * ode_error(LinearMultistepSampler(2), 30));
}

// With denoised = x the slope is 0: what is left of Euler ancestral is the noise, and it must be that of the formula.
TEST(SamplerNoise, AncestralNoiseIsDrawnAtEveryStep) {
  std::vector<float> x(32, 0.0f);
  TorchCpuGenerator generator(9), expected(9);
  EulerAncestralSampler().sample(
      x, std::vector<float>{2.0f, 1.0f, 0.0f},
      [](std::span<const float> in, float, std::span<float> out) { std::copy(in.begin(), in.end(), out.begin()); },
      generator);
  std::vector<float> noise(32);
  expected.normal(noise);
  const double up = std::sqrt(1.0 * (4.0 - 1.0) / 4.0);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], up * noise[i], 1e-6);
  expected.normal(noise);  // the last step's, multiplied by 0
  std::vector<float> after(32), expected_after(32);
  generator.normal(after);
  expected.normal(expected_after);
  EXPECT_EQ(after, expected_after);
}

// A large eta cannot ask for more noise than the next level has: then the step goes to 0, and noise is all there is.
TEST(SamplerNoise, AncestralNoiseIsAtMostTheNextLevels) {
  std::vector<float> x(32, 0.0f);
  TorchCpuGenerator generator(9), expected(9);
  EulerAncestralSampler({.eta = 2.0})
      .sample(
          x, std::vector<float>{2.0f, 1.0f, 0.0f},
          [](std::span<const float> in, float, std::span<float> out) { std::copy(in.begin(), in.end(), out.begin()); },
          generator);
  std::vector<float> noise(32);
  expected.normal(noise);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], noise[i], 1e-6);
}

TEST(SamplerNoise, ChurnBelowItsLimitIsSharedAmongTheSteps) {
  std::vector<float> levels;
  const auto record = [&](std::span<const float> in, float sigma, std::span<float> out) {
    levels.push_back(sigma);
    std::copy(in.begin(), in.end(), out.begin());
  };
  std::vector<float> x(16, 0.0f);
  TorchCpuGenerator generator(1);
  const std::vector<float> sigmas{8.0f, 4.0f, 2.0f, 1.0f, 0.0f};
  EulerEDMSampler({.s_churn = 1.0, .s_tmin = 2.0, .s_tmax = 4.0}).sample(x, sigmas, record, generator);
  EXPECT_EQ(levels, (std::vector<float>{8.0f, 5.0f, 2.5f, 1.0f}));
  levels.clear();
  EulerEDMSampler({.s_churn = 100.0}).sample(x, sigmas, record, generator);
  EXPECT_NEAR(levels[1], 4.0 * std::sqrt(2.0), 1e-5);
}

TEST(SamplerCallback, CountsStepsAndMayCancel) {
  for (const Case& c : golden_cases()) {
    std::vector<float> x(16, 1.0f);
    TorchCpuGenerator generator(1);
    std::vector<int> seen;
    c.sampler->sample(x, edm_sigmas({}, 4), analytic_denoiser, generator, [&](int step, int total) {
      EXPECT_EQ(total, 4);
      seen.push_back(step);
    });
    EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4})) << c.name;
    const auto cancel = [](int step, int) {
      if (step == 2) throw Error(ErrorCode::cancelled, "stop");
    };
    EXPECT_THROW(c.sampler->sample(x, edm_sigmas({}, 4), analytic_denoiser, generator, cancel), Error) << c.name;
  }
}

TEST(SamplerArguments, NoiseLevelsThatDoNotDecreaseAreRefused) {
  std::vector<float> x(16, 1.0f);
  TorchCpuGenerator generator(1);
  const EulerEDMSampler sampler;
  for (const auto& sigmas :
       {std::vector<float>{}, {1.0f}, {1.0f, 1.0f}, {1.0f, 2.0f}, {1.0f, -1.0f}, {INFINITY, 1.0f}, {NAN, 1.0f}}) {
    EXPECT_THROW(sampler.sample(x, sigmas, analytic_denoiser, generator), Error);
  }
  EXPECT_THROW(LinearMultistepSampler(0), Error);
}

}  // namespace
}  // namespace svd
