// The public interface: what it refuses and with which words, progress, cancelling, seeds.
#include "svd/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/fail.h"
#include "support/message_of.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Request small_request() { return {.image = {128, 64, test_image(64, 128, 1)}, .num_frames = 3, .num_steps = 2}; }

TEST(Model, SameSeedSameVideoAndASharedStreamGoesOn) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal), .threads = 2});
  Random a(5), b(5);
  const Video first = model.generate(small_request(), a), again = model.generate(small_request(), b);
  EXPECT_EQ(first.frames, again.frames);
  EXPECT_EQ(first.frames.size(), 3u);
  EXPECT_EQ(first.fps, 7);
  EXPECT_NE(model.generate(small_request(), a).frames, first.frames);
}

TEST(Model, ThreadsDoNotChangeMoreThanRounding) {
  Random a(5), b(5);
  const Video one = Model({.checkpoint = tiny_checkpoint(Decoder::temporal), .precision = Precision::f32, .threads = 1})
                        .generate(small_request(), a);
  const Video three =
      Model({.checkpoint = tiny_checkpoint(Decoder::temporal), .precision = Precision::f32, .threads = 3})
          .generate(small_request(), b);
  for (size_t i = 0; i < one.frames.size(); ++i) {
    for (size_t k = 0; k < one.frames[i].rgb.size(); ++k) {
      ASSERT_LE(std::abs(int{one.frames[i].rgb[k]} - int{three.frames[i].rgb[k]}), 1);
    }
  }
}

TEST(Model, ProgressGoesThroughThePhasesAndReachesTheEnd) {
  Model model({.version = Version::svd_image_decoder, .checkpoint = tiny_checkpoint(Decoder::image)});
  Random random(1);
  std::vector<Phase> phases;
  double last = 0;
  int steps = 0;
  model.generate(small_request(), random, [&](const Progress& p) {
    if (phases.empty() || phases.back() != p.phase) phases.push_back(p.phase);
    EXPECT_GE(p.fraction, 0.0);
    EXPECT_LE(p.fraction, 1.0);
    if (p.phase == Phase::denoising) steps = p.step;
    last = p.fraction;
    return true;
  });
  EXPECT_EQ(phases.front(), Phase::loading);
  EXPECT_EQ(phases.back(), Phase::decoding);
  EXPECT_EQ(steps, 2);
  EXPECT_NEAR(last, 1, 1e-9);
}

TEST(Model, StopsWhenAskedInEveryPhase) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  for (const Phase phase : {Phase::loading, Phase::encoding, Phase::denoising, Phase::decoding}) {
    Random random(1);
    const std::string message = message_of(ErrorCode::cancelled, [&] {
      model.generate(small_request(), random, [&](const Progress& p) { return p.phase != phase; });
    });
    EXPECT_THAT(message, HasSubstr(std::string(name_of(phase))));
  }
  Random random(1);  // and works afterwards
  EXPECT_EQ(model.generate(small_request(), random).frames.size(), 3u);
}

TEST(Model, RefusesWhatMakesNoSense) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  const auto refused = [&](const auto& change) {
    Request request = small_request();
    change(request);
    return message_of(ErrorCode::invalid_argument, [&] { (void)model.plan(request); });
  };
  EXPECT_THAT(refused([](Request& r) { r.num_frames = 0; }), AllOf(HasSubstr("num_frames"), HasSubstr("found 0")));
  EXPECT_THAT(refused([](Request& r) { r.num_steps = -1; }), HasSubstr("num_steps"));
  EXPECT_THAT(refused([](Request& r) { r.num_steps = 1001; }), HasSubstr("from 1 to 1000, found 1001"));
  EXPECT_THAT(refused([](Request& r) { r.decoding_t = 0; }), HasSubstr("decoding_t"));
  EXPECT_THAT(refused([](Request& r) { r.cond_aug = -0.5f; }), HasSubstr("cond_aug"));
  EXPECT_THAT(refused([](Request& r) { r.cond_aug = NAN; }), HasSubstr("cond_aug"));
  EXPECT_THAT(refused([](Request& r) { r.image.width = 100; }),
              AllOf(HasSubstr("multiples of 64"), HasSubstr("100 x 64")));
  EXPECT_THAT(refused([](Request& r) { r.image.rgb.pop_back(); }), HasSubstr("bytes of RGB"));
  EXPECT_THAT(refused([](Request& r) {
                r.image = {2048, 2048, std::vector<uint8_t>(size_t{2048} * 2048 * 3)};
              }),
              AllOf(HasSubstr("2048 x 2048"), HasSubstr("pixels")));
}

TEST(Model, RefusesWhatCannotFitBeforeItStarts) {
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Request request = small_request();
  request.image = {2048, 1024, std::vector<uint8_t>(size_t{2048} * 1024 * 3)};
  request.num_frames = 1000;
  request.decoding_t = 1000;
  const auto stop_at_once = [](const Progress&) { return false; };  // if it does start, it must not fill the memory
  Random random(1);
  EXPECT_THAT(message_of(ErrorCode::out_of_memory, [&] { model.generate(request, random, stop_at_once); }),
              AllOf(HasSubstr("GiB"), HasSubstr("decoding_t")));
}

TEST(Model, SaysWhatIsWrongWithTheCheckpoint) {
  EXPECT_THAT(message_of(ErrorCode::bad_file, [] { Model({.checkpoint = "/nonexistent/svd.safetensors"}); }),
              HasSubstr("/nonexistent/svd.safetensors"));
  EXPECT_THAT(
      message_of(
          ErrorCode::bad_file,
          [] { Model({.version = Version::svd_image_decoder, .checkpoint = tiny_checkpoint(Decoder::temporal)}); }),
      AllOf(HasSubstr("tiny-temporal-f16.safetensors"), HasSubstr("image decoder"), HasSubstr("temporal decoder")));
}

TEST(Model, SaysWhatDeviceIsNotThere) {
  EXPECT_THAT(message_of(ErrorCode::unsupported,
                         [] { Model({.checkpoint = tiny_checkpoint(Decoder::temporal), .device = DeviceKind::cuda}); }),
              HasSubstr("cuda"));
}

TEST(Model, PlansMoreMemoryForMoreFrames) {
  const Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Request few = small_request(), many = small_request();
  many.num_frames = 60;
  many.decoding_t = 60;
  EXPECT_LT(model.plan(few).peak_bytes, model.plan(many).peak_bytes);
  EXPECT_LT(model.plan(few).flops, model.plan(many).flops);
}

}  // namespace
}  // namespace svd::test
