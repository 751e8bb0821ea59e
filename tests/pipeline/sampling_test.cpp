// Samplers, discretisations and guiders as settings of a request; the look at each step; parts kept in memory.
#include "pipeline/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "pipeline/preview.h"
#include "pipeline/settings.h"
#include "support/message_of.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"
#include "svd/model.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Request small_request() { return {.image = {64, 64, test_image(64, 64, 1)}, .num_frames = 2, .num_steps = 2}; }

Video generate(Model& model, const Request& request) {
  Random random(5);
  return model.generate(request, random);
}

TEST(Sampling, EverySamplerDiscretizationAndGuiderMakesItsOwnVideo) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal), .precision = Precision::f32});
  model.load();
  std::vector<Request> requests;
  for (const SamplerKind kind : all_samplers()) requests.push_back({.sampler = {.kind = kind}});
  requests.push_back({.sampler = {.s_churn = 5}});
  requests.push_back({.discretization = {.kind = DiscretizationKind::legacy_ddpm}});
  requests.push_back({.discretization = {.sigma_max = 80}});
  requests.push_back({.guider = {.kind = GuiderKind::identity}});
  requests.push_back({.guider = {.kind = GuiderKind::vanilla, .scale = 2}});
  requests.push_back({.guider = {.kind = GuiderKind::triangle_prediction, .min_scale = 3, .max_scale = 9}});
  requests.push_back({.guider = {.min_scale = 4, .max_scale = 5}});
  std::map<std::string, size_t> videos;  // last frames
  for (size_t i = 0; i < requests.size(); ++i) {
    const Request& request = requests[i];
    Request full = small_request();
    full.num_steps = 3;  // with two, the last of which goes to zero, multistep methods are still Euler's
    full.sampler = request.sampler;
    full.discretization = request.discretization;
    full.guider = request.guider;
    const std::vector<uint8_t> frame = generate(model, full).frames.back().rgb;
    const auto [it, is_new] = videos.try_emplace(std::string(frame.begin(), frame.end()), i);
    EXPECT_TRUE(is_new) << "request " << i << " makes the video of request " << it->second;
  }
}

TEST(Sampling, DefaultsWrittenOutChangeNothing) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Request request = small_request();
  const Video plain = generate(model, request);
  request.sampler = {.s_churn = 0, .s_tmin = 0, .s_tmax = 999, .s_noise = 1};
  request.discretization = {.sigma_min = 0.002, .sigma_max = 700, .rho = 7};
  request.guider = {.min_scale = 1, .max_scale = 2.5f};
  EXPECT_EQ(generate(model, request).frames, plain.frames);
}

// A short run of the sampler on a problem with a known denoiser.
std::vector<float> sampled(const SamplerSettings& settings) {
  const Request request{.image = {64, 64, test_image(64, 64, 1)}, .num_frames = 1, .num_steps = 8, .sampler = settings};
  const Settings resolved = resolve(request, Version::svd);
  std::vector<float> x = {0.3f, -1.2f, 0.8f, 2.1f};
  const Denoiser denoiser = [](std::span<const float> noisy, float sigma, std::span<float> denoised) {
    for (size_t i = 0; i < noisy.size(); ++i) denoised[i] = std::sin(noisy[i] / (1 + sigma));
  };
  TorchCpuGenerator generator(1);
  resolved.sampler->sample(x, resolved.sigmas, denoiser, generator);
  return x;
}

TEST(Sampling, LinearMultistepIsOfFourthOrderByDefault) {
  const auto of_order = [](std::optional<int> order) {
    return sampled({.kind = SamplerKind::linear_multistep, .order = order});
  };
  EXPECT_EQ(of_order({}), of_order(4));
  EXPECT_NE(of_order({}), of_order(3));
  EXPECT_NE(of_order({}), of_order(5));
}

TEST(Sampling, GuidanceDefaultsToTheVersions) {
  const auto scales = [](GuiderKind kind, Version version) {
    const Request request{.image = {64, 64, test_image(64, 64, 1)}, .guider = {.kind = kind}};
    return resolve(request, version).guider->scales(3);
  };
  using testing::ElementsAre;
  EXPECT_THAT(scales(GuiderKind::vanilla, Version::svd), ElementsAre(2.5f, 2.5f, 2.5f));
  EXPECT_THAT(scales(GuiderKind::vanilla, Version::svd_xt), ElementsAre(3, 3, 3));
  EXPECT_THAT(scales(GuiderKind::linear_prediction, Version::svd), ElementsAre(1, 1.75f, 2.5f));
  EXPECT_THAT(scales(GuiderKind::linear_prediction, Version::svd_xt), ElementsAre(1.5f, 2.25f, 3));
  EXPECT_THAT(scales(GuiderKind::triangle_prediction, Version::svd), ElementsAre(1, 2.5f, 1));
}

TEST(Sampling, IdentityGuiderHalvesTheWork) {
  const Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Request guided = small_request(), free = small_request();
  guided.num_steps = free.num_steps = 50;
  free.guider.kind = GuiderKind::identity;
  EXPECT_NEAR(model.plan(free).flops / model.plan(guided).flops, 0.5, 0.05);
  Request heun = guided;
  heun.sampler.kind = SamplerKind::heun_edm;
  EXPECT_NEAR(model.plan(heun).flops / model.plan(guided).flops, 1.98, 0.1);
}

TEST(Sampling, RefusesParametersOutOfRangeOrOfAnother) {
  const auto refused = [](SamplerSettings s, DiscretizationSettings d, GuiderSettings g, int steps = 25) {
    return message_of(ErrorCode::invalid_argument, [&] { check_sampling(s, d, g, steps); });
  };
  EXPECT_THAT(refused({.s_churn = -1}, {}, {}), HasSubstr("s_churn: expected a number from 0 to 1000, found -1"));
  EXPECT_THAT(refused({.s_noise = NAN}, {}, {}), HasSubstr("s_noise: expected"));
  EXPECT_THAT(refused({.kind = SamplerKind::linear_multistep, .order = 0}, {}, {}), HasSubstr("order: expected"));
  EXPECT_THAT(refused({.kind = SamplerKind::dpmpp_2m, .s_noise = 1}, {}, {}),
              AllOf(HasSubstr("s_noise: DPMPP2MSampler does not have it"), HasSubstr("EulerAncestralSampler")));
  EXPECT_THAT(refused({.eta = 1}, {}, {}), HasSubstr("eta: EulerEDMSampler does not have it"));
  EXPECT_THAT(refused({}, {.sigma_min = 0}, {}), HasSubstr("sigma_min: expected"));
  EXPECT_THAT(refused({}, {.sigma_min = 800}, {}), HasSubstr("sigma_min < sigma_max"));
  EXPECT_THAT(refused({}, {.kind = DiscretizationKind::legacy_ddpm, .rho = 7}, {}),
              HasSubstr("rho: LegacyDDPMDiscretization does not have it"));
  EXPECT_THAT(refused({}, {}, {.scale = 3}), HasSubstr("scale: LinearPredictionGuider does not have it"));
  EXPECT_THAT(refused({}, {}, {.max_scale = 101}), HasSubstr("max_scale: expected a number from 0 to 100, found 101"));
  EXPECT_THAT(refused({}, {.kind = DiscretizationKind::legacy_ddpm}, {}, 1001),
              HasSubstr("num_steps: expected a whole number from 1 to 1000, found 1001"));
  check_sampling({.kind = SamplerKind::linear_multistep, .order = 10}, {.sigma_max = 80}, {.min_scale = 0}, 25);
}

TEST(Preview, FindsALinearMapAndShowsColours) {
  // Colours that are a linear function of four latent channels, constant within each position's pixels.
  constexpr size_t h = 4, w = 6, n = h * w;
  std::vector<float> latent(4 * n), picture(3 * 64 * n);
  for (size_t i = 0; i < latent.size(); ++i) latent[i] = std::sin(1.7f * static_cast<float>(i * i % 101));
  const auto colour = [&](size_t c, size_t i) {
    return 0.3f * latent[c * n + i] - 0.1f * latent[3 * n + i] + 0.05f * static_cast<float>(c);
  };
  for (size_t c = 0; c < 3; ++c) {
    for (size_t y = 0; y < 8 * h; ++y) {
      for (size_t x = 0; x < 8 * w; ++x) picture[(c * 8 * h + y) * 8 * w + x] = colour(c, y / 8 * w + x / 8);
    }
  }
  const LatentPreview preview(picture, latent, h, w);
  std::vector<float> two = latent;
  two.insert(two.end(), latent.rbegin(), latent.rend());
  const std::vector<Image> frames = preview.project(two);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].width, 6);
  EXPECT_EQ(frames[0].height, 4);
  for (size_t i = 0; i < n; ++i) {
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(frames[0].rgb[3 * i + c], (colour(c, i) + 1) / 2 * 255, 2) << i;
  }
  EXPECT_NE(frames[0], frames[1]);
}

TEST(Preview, AFlatPictureGivesItsColour) {
  const std::vector<float> picture(3 * 64 * 4, 0.5f), latent(16, 1.0f);
  const std::vector<Image> frames = LatentPreview(picture, latent, 2, 2).project(latent);
  for (const uint8_t byte : frames[0].rgb) EXPECT_NEAR(byte, 191, 2);
}

TEST(Preview, IsSeenAfterEveryStepAndChangesNothing) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Request request = small_request();
  const Video plain = generate(model, request);
  std::vector<std::vector<Image>> seen;
  request.on_step = [&](const StepView& view) {
    EXPECT_EQ(view.step, static_cast<int>(seen.size()) + 1);
    EXPECT_EQ(view.steps, 2);
    seen.push_back(view.preview());
  };
  EXPECT_EQ(generate(model, request).frames, plain.frames);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].size(), 2u);
  EXPECT_EQ(seen[0][0].width, 8);
  EXPECT_NE(seen[0], seen[1]);
}

TEST(Load, KeepsThePartsAndChangesNothing) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  const Video plain = generate(model, small_request());
  EXPECT_EQ(model.loaded_bytes(), 0u);
  const uint64_t planned = model.plan(small_request()).peak_bytes;

  std::vector<double> fractions;
  std::set<std::string> parts;
  model.load([&](const Progress& p) {
    EXPECT_EQ(p.phase, Phase::loading);
    fractions.push_back(p.fraction);
    parts.insert(std::string(p.part));
    return true;
  });
  EXPECT_THAT(parts, testing::UnorderedElementsAre("CLIP", "VAE encoder", "UNet", "VAE decoder"));
  EXPECT_TRUE(std::ranges::is_sorted(fractions));
  EXPECT_NEAR(fractions.back(), 1, 0.02);
  const uint64_t loaded = model.loaded_bytes();
  EXPECT_GT(loaded, 10u << 20);
  EXPECT_GT(model.plan(small_request()).peak_bytes, planned);

  for (int run = 0; run < 2; ++run) {
    Random random(5);
    const Video video = model.generate(small_request(), random, [](const Progress& p) {
      EXPECT_NE(p.phase, Phase::loading);
      return true;
    });
    EXPECT_EQ(video.frames, plain.frames);
    Request wider = small_request();  // another size between two equal requests must not show in the second
    wider.image = {128, 64, test_image(64, 128, 2)};
    generate(model, wider);
  }
  EXPECT_EQ(model.loaded_bytes(), loaded);  // nothing is repacked or left behind

  model.unload();
  EXPECT_EQ(model.loaded_bytes(), 0u);
  EXPECT_EQ(generate(model, small_request()).frames, plain.frames);
}

TEST(Load, CanBeCancelledAndThenKeepsNothing) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  message_of(ErrorCode::cancelled, [&] { model.load([](const Progress& p) { return p.part != "UNet"; }); });
  EXPECT_EQ(model.loaded_bytes(), 0u);
  EXPECT_EQ(generate(model, small_request()).frames.size(), 2u);
  EXPECT_EQ(model.loaded_bytes(), 0u);
}

TEST(CoverCrop, TakesTheCentreOfWhatCovers) {
  Image image{6, 2, {}};
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 6; ++x) {
      for (int c = 0; c < 3; ++c) image.rgb.push_back(static_cast<uint8_t>(40 * x));
    }
  }
  const Image crop = cover_crop(image, 2, 2);
  EXPECT_EQ(crop.width, 2);
  EXPECT_EQ(crop.height, 2);
  EXPECT_EQ(crop.rgb[0], 80);
  EXPECT_EQ(crop.rgb[3], 120);
}

}  // namespace
}  // namespace svd::test
