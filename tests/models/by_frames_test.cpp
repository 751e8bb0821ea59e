// What is computed a few frames at a time is the same as at once, wherever the chunks end.
#include "models/by_frames.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "checkpoint/synthetic.h"
#include "models/checkpoint_layout.h"
#include "models/parts.h"
#include "support/bf16_error.h"
#include "support/golden.h"
#include "support/network_backends.h"

namespace svd::test {
namespace {

Tensor random_planes(Backend& b, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  synthetic_uniform("planes", 0, values);
  for (float& v : values) v *= std::sqrt(3.0f);
  return b.upload(shape, values);
}

std::vector<float> to_values(Backend& b, const Tensor& x) { return b.download(b.to_planar(x)); }

class ByFrames : public testing::TestWithParam<NetworkBackend> {
 protected:
  void SetUp() override {
    backend_ = make_or_skip(GetParam());
    if (!backend_) GTEST_SKIP() << GetParam().name << " is not there on this CPU";
  }
  Backend& backend() { return *backend_; }

 private:
  std::unique_ptr<Backend> backend_;
};

TEST_P(ByFrames, EveryFrameIsComputedOnceAndComesToItsPlace) {
  Backend& b = backend();
  const Tensor x = b.to_channels_last(random_planes(b, {14, 32, 3, 5}));
  const Tensor doubled = b.concat_channels(x, x);
  const std::vector<float> expected = to_values(b, doubled);
  const std::vector<std::pair<int64_t, std::vector<int64_t>>> cases = {
      {1, std::vector<int64_t>(14, 1)},
      {3, {3, 3, 3, 3, 2}},  // 3 is what 1024 x 576 has
      {5, {5, 5, 4}},
      {13, {13, 1}},
      {14, {14}},
      {100, {14}},
  };
  for (const auto& [at_a_time, chunks] : cases) {
    std::vector<int64_t> seen;
    const Tensor y = by_frames(b, x, at_a_time, [&](const Tensor& part) {
      seen.push_back(part.shape()[0]);
      return b.concat_channels(part, part);
    });
    EXPECT_EQ(y.shape(), doubled.shape());
    EXPECT_EQ(to_values(b, y), expected) << at_a_time << " at a time";
    EXPECT_EQ(seen, chunks);
  }
}

// The elements of a doubled frame are 4 h w C. With the latents' 2 x 3 and 128 channels at the coarsest level these are
// 3072, then 4 and 8 times as many at the next two (the channels halve once): chunks of 3 or 2 frames, then of 1.
TEST_P(ByFrames, TheDecoderGivesTheSameFramesInAnyChunks) {
  Backend& b = backend();
  const StableVideoConfig config = synthetic_config("tiny", true);
  const SyntheticSource source(checkpoint_layout(config, TextSide::no), DType::f32, Threads(available_cores()));
  WeightLoader loader(&source, b);
  AutoencoderDecoder decoder = part_of(std::type_identity<AutoencoderDecoder>(), config).bind(loader);
  loader.finish("VAE decoder");
  const Tensor latents = random_planes(b, {5, 4, 2, 3});
  const auto decoded = [&](int64_t enlarged_elements) {
    decoder.enlarged_elements = enlarged_elements;
    const Tensor frames = decoder.forward(b, latents);
    EXPECT_EQ(frames.shape(), Shape({5, 3, 16, 24}));
    return b.download(frames);
  };
  const std::vector<float> at_once = decoded(int64_t{1} << 40);
  // Sums are taken in another order. In bfloat16 a few results are then rounded to the other side, and every layer
  // makes more of them: two such runs differ by no more than each does from float32. A frame in the wrong place makes
  // it 1.
  const double tolerance =
      b.numerics().activations == DType::bf16 ? pytorch_bf16_error("tiny_svd_pipeline", "decoded") : 1e-5;
  for (const int64_t elements : {int64_t{3} * 3072, int64_t{2} * 12288}) {
    EXPECT_LE(relative_l2(decoded(elements), at_once), tolerance) << elements;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, ByFrames, testing::ValuesIn(network_backends()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace svd::test
