// Settings: defaults, ranges, and that what is stored is what was meant.
#include "settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api_error.h"
#include "rate_limiter.h"

namespace svd::server {
namespace {

using nlohmann::json;

JobSettings parsed(const json& values, const json& defaults = json::object()) {
  return parse_settings(values, defaults, 8).settings;
}

TEST(Settings, AVersionOfOneSizeHasThatSizeByDefault) {
  const JobSettings demo = parsed({{"version", "svd_demo"}});
  EXPECT_EQ(demo.width, 192);
  EXPECT_EQ(demo.height, 128);
  const JobSettings published = parsed({{"version", "svd"}});
  EXPECT_EQ(published.width, 1024);
  EXPECT_EQ(published.height, 576);
}

TEST(Settings, DefaultsAreTheVersions) {
  EXPECT_EQ(parsed(json::object()).request.num_frames, 14);
  EXPECT_EQ(parsed({{"version", "svd_xt"}}).request.num_frames, 25);
  EXPECT_EQ(parsed({{"version", "svd_xt"}}).num_steps(), 30);
  EXPECT_EQ(to_json(parsed({{"version", "svd_xt"}}))["guider"]["max_scale"], 3.0);
  EXPECT_EQ(to_json(parsed(json::object()))["guider"]["max_scale"], 2.5);
}

// The reference's page starts with 6 frames per second, its script with fps_id 6.
TEST(Settings, FramesPerSecondAreThoseOfTheReferencesPage) {
  EXPECT_EQ(to_json(parsed(json::object()))["fps"], 6);
  EXPECT_EQ(to_request(parsed(json::object())).fps_id, 5);
}

TEST(Settings, ServersDefaultsComeBetween) {
  const json defaults = {{"version", "svd_xt"}, {"num_frames", 5}, {"fps", 10}};
  EXPECT_EQ(parsed(json::object(), defaults).version, Version::svd_xt);
  EXPECT_EQ(parsed({{"num_frames", 6}}, defaults).request.num_frames, 6);
  EXPECT_EQ(parsed({{"num_frames", nullptr}}, defaults).request.num_frames, 5);
  EXPECT_EQ(parsed(json::object(), defaults).num_steps(), 30);
}

TEST(Settings, ComeBackAsTheyWere) {
  const json values = {{"version", "svd_image_decoder"},
                       {"width", 128},
                       {"height", 192},
                       {"num_frames", 3},
                       {"num_steps", 7},
                       {"seed", 4294967295u},
                       {"fps", 12},
                       {"overwrite_fps", true},
                       {"video_fps", 24},
                       {"motion_bucket_id", 511},
                       {"cond_aug", 0.037},
                       {"decoding_t", 2},
                       {"sampler", {{"name", "LinearMultistepSampler"}, {"order", 3}}},
                       {"discretization", {{"name", "EDMDiscretization"}, {"rho", 5.5}}},
                       {"guider", {{"name", "TrianglePredictionGuider"}, {"min_scale", 1.1}, {"max_scale", 2.6}}},
                       {"watermark", false},
                       {"save_locally", true},
                       {"save_path", "outputs/x"}};
  const json out = to_json(parsed(values));
  for (const auto& [name, value] : values.items()) {
    if (name == "discretization") continue;
    EXPECT_EQ(out[name], value) << name;
  }
  EXPECT_EQ(out["discretization"]["rho"], 5.5);
  EXPECT_EQ(out["discretization"]["sigma_max"], 700.0);
  EXPECT_EQ(to_json(parsed(out)), out);
}

TEST(Settings, BecomeTheLibrarysRequest) {
  const Request request = to_request(parsed({{"fps", 9}, {"sampler", {{"s_churn", 3}}}, {"watermark", false}}));
  EXPECT_EQ(request.fps_id, 8);
  EXPECT_EQ(request.sampler.s_churn, 3.0);
  EXPECT_FALSE(request.sampler.s_noise);
  EXPECT_FALSE(request.watermark);
  EXPECT_EQ(request.num_steps, 25);
}

TEST(Settings, FieldOfTheErrorIsTheControl) {
  const auto field_of = [](const json& values) {
    try {
      parsed(values);
    } catch (const ApiError& e) {
      return e.field;
    }
    return std::string("accepted");
  };
  EXPECT_EQ(field_of({{"fps", 121}}), "fps");
  EXPECT_EQ(field_of({{"guider", {{"max_scale", -1}}}}), "guider.max_scale");
  EXPECT_EQ(field_of({{"sampler", {{"name", 7}}}}), "sampler.name");
  EXPECT_EQ(field_of(json::array()), "settings");
  EXPECT_EQ(field_of({{"fps", 120}}), "accepted");
}

TEST(RateLimiter, AllowsSoManyAtOnceForEach) {
  RateLimiter limiter(3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter.allow("a"));
  EXPECT_FALSE(limiter.allow("a"));
  EXPECT_TRUE(limiter.allow("b"));
  for (int i = 0; i < 25'000; ++i) limiter.allow(std::to_string(i));  // bounded memory, and "a" is not forgotten
  EXPECT_FALSE(limiter.allow("a"));
}

}  // namespace
}  // namespace svd::server
