// Useful operations per call, against those counted by hand from the definition of the model.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "backends/planning/planning_backend.h"
#include "bench/network_calls.h"
#include "bench/op_profile.h"

namespace svd::bench {
namespace {

constexpr double kTera = 1e12;

struct Count {
  double total = 0;                        // TFLOP
  std::map<std::string, double> by_group;  // kind, or kind and the beginning of the detail
};

// Runs on the planning backend: nothing is computed.
Count count(std::string_view name, const CallSizes& sizes) {
  const StableVideoConfig config = synthetic_config("full", /*temporal_decoder=*/true);
  for (const NetworkCall& call : network_calls(config, sizes)) {
    if (call.name != name) continue;
    OpProfile profile;
    Count result;
    result.total = plan_call(call, *make_counting_backend(), &profile).flops / kTera;
    for (const OpTotal& op : profile.totals()) {
      std::string group = op.kind;
      if (op.kind == "conv2d") group.append(" ").append(op.detail, 0, op.detail.find(' '));
      result.by_group[group] += op.flops / kTera;
    }
    return result;
  }
  ADD_FAILURE() << "no call " << name;
  return {};
}

TEST(Flops, UNetCallOf14FramesAt576x1024) {
  const Count c = count("unet", {.width = 1024, .height = 576, .frames = 14, .decode_frames = 14});
  EXPECT_NEAR(c.total, 43.1, 0.05);
  EXPECT_NEAR(c.by_group.at("conv2d 3x3"), 12.6, 0.05);
  EXPECT_NEAR(c.by_group.at("feed_forward"), 9.7 + 4.8, 0.1);  // temporal, spatial
  EXPECT_NEAR(c.by_group.at("attention"), 8.7, 0.05);          // spatial
  EXPECT_NEAR(c.by_group.at("temporal_conv"), 2.7, 0.05);
  // Queries, keys, values and outputs; the projections around the transformers; the 1x1 convolutions of residuals.
  EXPECT_NEAR(c.by_group.at("linear"), 3.2 + 0.8 + 0.6, 0.1);
  // Over 14 frames only: nothing beside the others.
  EXPECT_LT(c.by_group.at("temporal_attention"), 0.05);
}

// Everything but the attention among frames and the vectors that steer the network is done frame by frame.
TEST(Flops, UNetCallOf25FramesIsInProportion) {
  const Count c14 = count("unet", {.frames = 14}), c25 = count("unet", {.frames = 25});
  EXPECT_NEAR(c25.total / c14.total, 25.0 / 14.0, 0.002);
  EXPECT_NEAR(c25.by_group.at("attention") / c14.by_group.at("attention"), 25.0 / 14.0, 1e-9);
  EXPECT_NEAR(c25.by_group.at("temporal_attention") / c14.by_group.at("temporal_attention"), 625.0 / 196.0, 1e-9);
}

TEST(Flops, DecoderIsMostlyConvolutions) {
  const Count one = count("decode", {.decode_frames = 1}), c = count("decode", {.decode_frames = 14});
  EXPECT_NEAR(c.total / one.total, 14.0, 1e-6);
  // The convolutions of the four levels, by hand, in multiply-adds per pixel of the frame. A level of width C at 1/s
  // of the frame's side has three residual blocks of two 3x3 convolutions and two (3,1,1) ones, all C -> C but the
  // first of the level; an upsampling 3x3 ends all levels but the last.
  const auto square = [](double c) { return c * c; };
  double spatial = 9.0 * 4 * 512 / 64 + 4 * 9 * square(512) / 64 + 9.0 * 128 * 3;  // conv_in, middle, conv_out
  double temporal = 4 * 3 * square(512) / 64 + 3.0 * 3 * 3;                        // middle, time_mix_conv
  double in = 512;
  for (const auto& [width, side] : {std::pair{512.0, 8.0}, {512.0, 4.0}, {256.0, 2.0}, {128.0, 1.0}}) {
    spatial += 9 * (in * width + 5 * square(width)) / square(side);
    temporal += 3 * 6 * square(width) / square(side);
    if (side > 1) spatial += 9 * square(width) / square(side / 2);
    in = width;
  }
  const double pixels = 14.0 * 576 * 1024;
  EXPECT_NEAR(c.by_group.at("conv2d 3x3"), 2 * spatial * pixels / kTera, 1e-6);
  EXPECT_NEAR(c.by_group.at("temporal_conv"), 2 * temporal * pixels / kTera, 1e-6);
  EXPECT_GT(c.by_group.at("conv2d 3x3") + c.by_group.at("temporal_conv"), 0.9 * c.total);
}

TEST(Flops, EncoderAndClipTakeOnePicture) {
  const Count few = count("encode", {.frames = 2}), many = count("encode", {.frames = 25});
  EXPECT_EQ(few.total, many.total);
  EXPECT_NEAR(count("clip", {}).total, 0.33, 0.02);  // ViT-H/14: 632 million weights times 257 tokens times 2
}

}  // namespace
}  // namespace svd::bench
