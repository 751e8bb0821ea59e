// What is said about checkpoints that lack tensors or have others than expected.
#include "models/weight_scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/planning/planning_backend.h"
#include "base/fail.h"
#include "checkpoint/synthetic.h"
#include "models/checkpoint_layout.h"
#include "models/clip_vision.h"
#include "models/video_unet.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The message for a tiny checkpoint after `change` to its list of tensors; empty when all is well.
template <typename Change>
std::string complaint_about(const Change& change) {
  ShapeList shapes = checkpoint_layout(synthetic_config("tiny", true), TextSide::no);
  change(shapes);
  const SyntheticSource source(shapes, DType::f32, Threads(1));
  const auto backend = make_planning_backend(DType::f32);
  try {
    const VideoUNetConfig config = read_unet_config(source, part::kUNet);
    WeightLoader loader(&source, *backend);
    VideoUNet(WeightScope(loader, std::string(part::kUNet)), config);
    loader.finish("UNet");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_file);
    return e.what();
  }
  return "";
}

TEST(WeightScope, TakesACompleteFile) {
  EXPECT_EQ(complaint_about([](ShapeList&) {}), "");
}

TEST(WeightScope, NamesOneMissingTensor) {
  const std::string name = "model.diffusion_model.input_blocks.4.1.proj_in.bias";
  EXPECT_THAT(complaint_about([&](ShapeList& s) { s.erase(name); }), AllOf(HasSubstr("1 tensor is"), HasSubstr(name)));
}

TEST(WeightScope, GroupsManyMissingTensors) {
  const std::string message = complaint_about([](ShapeList& s) {
    std::erase_if(s, [](const auto& entry) {
      return entry.first.starts_with("model.diffusion_model.output_blocks.3.") ||
             entry.first.starts_with("model.diffusion_model.input_blocks.5.1.");
    });
  });
  EXPECT_THAT(message, AllOf(HasSubstr("tensors are of the UNet missing"), HasSubstr("output_blocks.3"),
                             HasSubstr("input_blocks.5.1")));
  EXPECT_LT(message.size(), 1500u);
}

TEST(WeightScope, SaysWhatShapeWasExpected) {
  const std::string name = "model.diffusion_model.middle_block.0.in_layers.2.bias";
  EXPECT_THAT(complaint_about([&](ShapeList& s) { s[name] = {255}; }),
              AllOf(HasSubstr(name), HasSubstr("[255]"), HasSubstr("expected [256]")));
}

TEST(WeightScope, SaysWhatTheSizeCannotBeReadFrom) {
  EXPECT_THAT(complaint_about([](ShapeList& s) { s.erase("model.diffusion_model.input_blocks.0.0.weight"); }),
              AllOf(HasSubstr("input_blocks.0.0.weight is missing"), HasSubstr("svd info")));
}

TEST(WeightScope, RefusesWidthsThatNoHeadDivides) {
  EXPECT_THAT(complaint_about([](ShapeList& s) {
                s["model.diffusion_model.input_blocks.1.0.in_layers.2.weight"] = {65, 64, 3, 3};
              }),
              HasSubstr("expected a multiple of 64"));
}

TEST(WeightScope, SummaryOfFewNamesIsAllOfThem) { EXPECT_EQ(summarize_names({"a.b", "c.d"}), "a.b, c.d"); }

}  // namespace
}  // namespace svd::test
