// What the headers promise of the model: Error and nothing else, frames as they are decoded, one way to cancel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <type_traits>

#include "media/watermark.h"
#include "support/failing_new.h"
#include "support/message_of.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"
#include "svd/svd.h"

namespace svd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kInvalid = ErrorCode::invalid_argument;
constexpr int kHuge = std::numeric_limits<int>::max();

Request small_request() {
  return {.image = {64, 64, test_image(64, 64, 1)}, .num_frames = 5, .num_steps = 1, .decoding_t = 2};
}

Model tiny_model() { return Model({.checkpoint = tiny_checkpoint(Decoder::temporal), .threads = 2}); }

Video generate(Model& model, const Request& request) {
  Random random(5);
  return model.generate(request, random);
}

// Names what was asked for, so that the message says which option it was.
template <typename Call>
void expect_invalid(const char* what, const Call& call) {
  EXPECT_THAT(message_of(kInvalid, call), HasSubstr(what));
}

TEST(Contract, NumbersThatAreNoEnumerators) {
  for (const int number : {-1, 99}) {
    expect_invalid("version", [&] { (void)defaults_of(Version(number)); });
    expect_invalid("version", [&] { fit_to_model({64, 64, test_image(64, 64, 0)}, Version(number)); });
    expect_invalid("device", [&] { (void)name_of(Device(DeviceKind(number))); });
    expect_invalid("precision", [&] { (void)name_of(Precision(number)); });
    expect_invalid("phase", [&] { (void)name_of(Phase(number)); });
    expect_invalid("sampler", [&] { (void)name_of(SamplerKind(number)); });
    expect_invalid("discretization", [&] { (void)name_of(DiscretizationKind(number)); });
    expect_invalid("guider", [&] { (void)name_of(GuiderKind(number)); });
    expect_invalid("sampler", [&] { check_sampling({.kind = SamplerKind(number)}, {}, {}, 25); });
    expect_invalid("discretization", [&] { check_sampling({}, {.kind = DiscretizationKind(number)}, {}, 25); });
    expect_invalid("guider", [&] { check_sampling({}, {}, {.kind = GuiderKind(number)}, 25); });
    const auto file = tiny_checkpoint(Decoder::temporal);
    expect_invalid("version", [&] { Model({.version = Version(number), .checkpoint = file}); });
    expect_invalid("device", [&] { Model({.checkpoint = file, .device = DeviceKind(number)}); });
    expect_invalid("precision", [&] { Model({.checkpoint = file, .precision = Precision(number)}); });
  }
  EXPECT_EQ(version_named("none"), std::nullopt);
  EXPECT_EQ(device_named("cpu:99999999999"), std::nullopt);
  expect_invalid("steps", [] { check_sampling({}, {}, {}, 0); });
}

TEST(Contract, OptionsOfTheModel) {
  const auto file = tiny_checkpoint(Decoder::temporal);
  expect_invalid("checkpoint", [] { Model({}); });
  expect_invalid("threads", [&] { Model({.checkpoint = file, .threads = -1}); });
  expect_invalid("threads", [&] { Model({.checkpoint = file, .threads = kHuge}); });
  for (const int index : {-1, 99, kHuge}) {
    message_of(ErrorCode::unsupported, [&] { Model({.checkpoint = file, .device = {DeviceKind::cpu, index}}); });
    message_of(ErrorCode::unsupported, [&] { Model({.checkpoint = file, .device = {DeviceKind::automatic, index}}); });
  }
  message_of(ErrorCode::bad_file, [&] { Model({.checkpoint = file.parent_path()}); });
  message_of(ErrorCode::bad_file, [&] { Model({.checkpoint = file / "below"}); });
}

TEST(Contract, PicturesAndSizes) {
  const std::vector<uint8_t> bytes(12);
  const std::vector<Image> bad = {{}, {0, 2, {}}, {-2, -2, bytes}, {2, 2, {}}, {kHuge, kHuge, bytes}};
  const Model model = tiny_model();
  for (const Image& image : bad) {
    for (const Version version : all_versions()) expect_invalid("picture", [&] { fit_to_model(image, version); });
    expect_invalid("picture", [&] { cover_crop(image, 64, 64); });
    expect_invalid("picture", [&] { (void)model.plan({.image = image}); });
  }
  const Image image{2, 2, bytes};
  for (const auto& [width, height] : {std::pair(0, 4), {4, -1}, {kHuge, 4}, {kHuge, kHuge}, {16384, 16384}}) {
    expect_invalid("cannot resize", [&] { cover_crop(image, width, height); });
  }
  // The demo's size, but not its bytes.
  expect_invalid("picture", [&] { fit_to_model({192, 128, bytes}, Version::svd_demo); });
}

TEST(Contract, ObjectsThatWereMovedFrom) {
  Model model = tiny_model();
  Model other(std::move(model));
  Random random(1);
  // NOLINTBEGIN(bugprone-use-after-move)
  expect_invalid("Model", [&] { (void)model.describe_device(); });
  expect_invalid("Model", [&] { (void)model.plan(small_request()); });
  expect_invalid("Model", [&] { model.load(); });
  expect_invalid("Model", [&] { model.unload(); });
  expect_invalid("Model", [&] { (void)model.loaded_bytes(); });
  expect_invalid("Model", [&] { model.generate(small_request(), random); });
  const Random taken(std::move(random));
  expect_invalid("Random", [&] { other.generate(small_request(), random); });
  // NOLINTEND(bugprone-use-after-move)
  model = std::move(other);
  EXPECT_EQ(generate(model, small_request()).frames.size(), 5u);
  static_assert(std::is_nothrow_move_constructible_v<Model> && std::is_nothrow_move_constructible_v<Random>);
  static_assert(noexcept(version())&& noexcept(build_info()));
}

// Neither an Error nor a std::exception.
struct Foreign {
  int number;
};

TEST(Contract, WhatACallbackThrowsReachesTheCallerUnchanged) {
  Model model = tiny_model();
  const auto thrown = [&](const auto& set) {
    Request request = small_request();
    set(request);
    EXPECT_THROW(generate(model, request), Foreign);
  };
  thrown([](Request& r) { r.on_tensor = [](const TensorRecord&) { throw Foreign{1}; }; });
  thrown([](Request& r) { r.on_step = [](const StepView&) { throw Foreign{2}; }; });
  thrown([](Request& r) { r.on_frames = [](const FrameChunk&) { throw Foreign{3}; }; });
  thrown([](Request& r) { r.on_operation = [](const OperationRecord&) { throw Foreign{4}; }; });

  Random random(1);
  EXPECT_THROW(model.generate(small_request(), random, [](const Progress&) -> bool { throw Foreign{5}; }), Foreign);
  EXPECT_THROW(model.load([](const Progress&) -> bool { throw std::out_of_range("mine"); }), std::out_of_range);
  EXPECT_EQ(model.loaded_bytes(), 0u);
  EXPECT_THROW(model.load([](const Progress&) -> bool { throw std::bad_alloc(); }), std::bad_alloc);
  struct Own : Error {
    using Error::Error;
  };
  EXPECT_THROW(model.load([](const Progress&) -> bool { throw Own(ErrorCode::cancelled, "mine"); }), Own);
  EXPECT_EQ(generate(model, small_request()).frames.size(), 5u);
}

TEST(Frames, AreShownChunkByChunkAsTheyAreInTheVideo) {
  Model model = tiny_model();
  Request request = small_request();
  request.image = {256, 256, test_image(256, 256, 1)};  // large enough for the watermark
  request.num_frames = 2;
  request.decoding_t = 1;
  request.fps_id = 9;
  std::vector<int> firsts;
  std::vector<Image> seen;
  request.on_frames = [&](const FrameChunk& chunk) {
    EXPECT_EQ(chunk.total, 2);
    EXPECT_EQ(chunk.fps, 10);
    firsts.push_back(chunk.first);
    seen.insert(seen.end(), chunk.frames.begin(), chunk.frames.end());
  };
  EXPECT_EQ(generate(model, request).frames, seen);
  EXPECT_THAT(firsts, ElementsAre(0, 1));
  for (const Image& frame : seen) EXPECT_EQ(read_watermark(frame), kWatermark);
}

TEST(Frames, StayWithWhomTheyWereShown) {
  Model model = tiny_model();
  Request request = small_request();
  const Video kept = generate(model, request);
  std::vector<Image> seen;
  request.on_frames = [&](const FrameChunk& chunk) {
    seen.insert(seen.end(), chunk.frames.begin(), chunk.frames.end());
  };
  request.keep_frames = false;
  EXPECT_THAT(generate(model, request).frames, testing::IsEmpty());
  EXPECT_EQ(seen, kept.frames);

  request.on_frames = {};
  expect_invalid("keep_frames", [&] { generate(model, request); });
}

TEST(Frames, TheNextChunkIsNotDecodedWhenTheCallerHasEnough) {
  Model model = tiny_model();
  Request request = small_request();
  int chunks = 0;
  request.on_frames = [&](const FrameChunk&) { ++chunks; };
  Random random(1);
  EXPECT_THAT(message_of(ErrorCode::cancelled,
                         [&] { model.generate(request, random, [&](const Progress&) { return chunks < 1; }); }),
              HasSubstr("decoding"));
  EXPECT_EQ(chunks, 1);
  chunks = 0;  // the last one counts, too
  message_of(ErrorCode::cancelled,
             [&] { model.generate(request, random, [&](const Progress&) { return chunks < 3; }); });
}

TEST(Contract, OutOfMemoryIsAnError) {
  const Image image{80, 80, test_image(80, 80, 0)};
  expect_out_of_memory_is_an_error([&] { fit_to_model(image); });
  expect_out_of_memory_is_an_error([&] { cover_crop(image, 64, 64); });
  expect_out_of_memory_is_an_error([] { Random(1); });
  expect_out_of_memory_is_an_error([] { check_sampling({}, {}, {}, 25); });
  constexpr double kSome = 1.5;
  const LoadOptions options{.checkpoint = tiny_checkpoint(Decoder::temporal), .threads = 1};
  expect_out_of_memory_is_an_error([&] { const Model model(options); }, kSome);
  Model model(options);
  const Request request = small_request();
  expect_out_of_memory_is_an_error([&] { (void)model.plan(request); }, kSome);
  expect_out_of_memory_is_an_error([&] { generate(model, request); }, 2);
  EXPECT_EQ(generate(model, request).frames.size(), 5u);  // none of that did harm
}

}  // namespace
}  // namespace svd::test
