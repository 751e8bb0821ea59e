// The demo model makes videos that follow their picture and their settings: whether sampler, guidance and conditioning
// work together, which noise from an untrained network cannot show. tools/demo_model/evaluate.py is the long version.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>

#include "svd/svd.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;

double mean_difference(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(int{a.rgb[i]} - int{b.rgb[i]});
  return sum / static_cast<double>(a.rgb.size());
}

double psnr(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::pow(int{a.rgb[i]} - int{b.rgb[i]}, 2);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / sum);
}

// Mean absolute difference of horizontal neighbours.
double sharpness(const Image& image) {
  double sum = 0;
  for (int y = 0; y < image.height; ++y) {
    for (size_t i = 3; i < size_t(image.width) * 3; ++i) {
      const size_t at = size_t(y) * size_t(image.width) * 3 + i;
      sum += std::abs(int{image.rgb[at]} - int{image.rgb[at - 3]});
    }
  }
  return sum / (static_cast<double>(image.height) * (image.width - 1) * 3);
}

// Mean change of a pixel from frame to frame, in 8-bit steps, where it is more than flicker.
double motion(const Video& video) {
  constexpr double kFlicker = 5.0;
  double sum = 0, pixels = 0;
  for (size_t t = 1; t < video.frames.size(); ++t) {
    const std::vector<uint8_t>&before = video.frames[t - 1].rgb, &now = video.frames[t].rgb;
    for (size_t i = 0; i < now.size(); i += 3) {
      double change = 0;
      for (size_t c = i; c < i + 3; ++c) change += std::abs(int{now[c]} - int{before[c]}) / 3.0;
      if (change > kFlicker) sum += change;
      ++pixels;
    }
  }
  return sum / pixels;
}

// Made once for all tests: each scene with little and with much motion.
class Demo : public testing::Test {
 protected:
  struct Sampled {
    Image picture;
    Video calm, lively;
  };

  static void SetUpTestSuite() {
    model_ = std::make_unique<Model>(LoadOptions{.version = Version::svd_demo, .checkpoint = SVD_DEMO_CHECKPOINT});
    for (const fs::directory_entry& file : fs::directory_iterator(SVD_DEMO_SCENES)) {
      Sampled& s = sampled_[file.path().filename().string()];
      s.picture = read_image(file.path());
      s.calm = generate({.image = s.picture, .motion_bucket_id = 32});
      s.lively = generate({.image = s.picture, .motion_bucket_id = 224});
    }
  }
  static void TearDownTestSuite() {
    model_.reset();
    sampled_.clear();
  }

  static Video generate(const Request& request) {
    Random random(23);
    return model_->generate(request, random);
  }

  // Of all scenes.
  template <typename Measure>
  static double mean(Measure&& measure) {
    return std::accumulate(sampled_.begin(), sampled_.end(), 0.0,
                           [&](double sum, const auto& entry) { return sum + measure(entry.second); }) /
           static_cast<double>(sampled_.size());
  }

  static inline std::unique_ptr<Model> model_;
  static inline std::map<std::string, Sampled> sampled_;  // by file name
};

TEST_F(Demo, FirstFrameIsThePicture) {
  ASSERT_GE(sampled_.size(), 2u);
  EXPECT_GE(mean([](const Sampled& s) { return psnr(s.picture, s.calm.frames.front()); }), 24.0);
  EXPECT_GE(mean([](const Sampled& s) { return psnr(s.picture, s.lively.frames.front()); }), 24.0);
}

TEST_F(Demo, LaterFramesAreAsSharpAsThePicture) {
  const double ratio = mean([](const Sampled& s) {
    double sum = 0;
    for (size_t t = 1; t < s.calm.frames.size(); ++t) sum += sharpness(s.calm.frames[t]);
    return sum / static_cast<double>(s.calm.frames.size() - 1) / sharpness(s.picture);
  });
  EXPECT_GE(ratio, 0.8);
  EXPECT_LE(ratio, 1.25);  // above it would be noise
}

TEST_F(Demo, MotionGrowsWithItsBucket) {
  const double calm = mean([](const Sampled& s) { return motion(s.calm); });
  const double lively = mean([](const Sampled& s) { return motion(s.lively); });
  EXPECT_GE(lively, 3 * calm);  // the world's grows 10 times
}

// Guidance grows from 1, which is none, at the first frame to 2.5 at the last: so does what it changes.
TEST_F(Demo, GuidanceChangesTheLastFramesMost) {
  const Sampled& s = sampled_.begin()->second;
  const Video unguided =
      generate({.image = s.picture, .motion_bucket_id = 224, .guider = {.min_scale = 1.0f, .max_scale = 1.0f}});
  const double first = mean_difference(unguided.frames.front(), s.lively.frames.front());
  const double last = mean_difference(unguided.frames.back(), s.lively.frames.back());
  EXPECT_GE(last, 1.0);
  EXPECT_GE(last, 2 * first);
}

}  // namespace
}  // namespace svd::test
