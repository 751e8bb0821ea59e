// What is reported about checkpoints that lack tensors or have unexpected ones.
#include "models/weight_scope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "backends/planning/planning_backend.h"
#include "backends/registry/registry.h"
#include "base/fail.h"
#include "checkpoint/synthetic.h"
#include "models/checkpoint_layout.h"
#include "models/parts.h"
#include "ops/host_backend.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// The message for a tiny checkpoint after `change` to its list of tensors; empty when all is well.
template <typename Change>
std::string complaint_about(const Change& change) {
  ShapeList shapes = checkpoint_layout(synthetic_config("tiny", true), TextSide::no);
  change(shapes);
  const SyntheticSource source(shapes, DType::f32, Threads(1));
  const auto backend = make_counting_backend();
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
  EXPECT_THAT(complaint_about([&](ShapeList& s) {
                s.erase(name);
                s["model.diffusion_model.extra"] = {128};  // too little of the name in common
              }),
              AllOf(HasSubstr("the UNet lacks " + name + " [128]. "), Not(HasSubstr("unused"))));
}

TEST(WeightScope, NamesAnUnusedTensorOfTheMissingShape) {
  const std::string block = "model.diffusion_model.input_blocks.4.1.";
  const std::string name = block + "proj_in.bias", renamed = block + "proj_input.bias";
  EXPECT_THAT(
      complaint_about([&](ShapeList& s) {
        s.erase(name);
        s[renamed] = {128};
        s["model.diffusion_model.a.bias"] = {128};       // a name less alike, before it
        s["model.diffusion_model.zero_module"] = {128};  // and behind it
        s[block + "proj_in.bias_"] = {129};              // another shape
        s["first_stage_model." + name] = {128};          // another part's
      }),
      HasSubstr("the UNet lacks " + name + " [128]; the file has an unused \"" + renamed + "\" of the same shape. "));
}

TEST(WeightScope, NamesAnUnusedTensorForEachOfSeveral) {
  const std::string block = "model.diffusion_model.input_blocks.4.1.";
  const std::string first = block + "proj_in.bias", second = block + "proj_out.bias";
  const auto rename_both = [&](ShapeList& s) {
    s.erase(first);
    s.erase(second);
    s[block + "into.bias"] = {128};
    s[block + "out_of.bias"] = {128};
  };
  EXPECT_THAT(complaint_about(rename_both),
              HasSubstr("the UNet lacks 2 tensors: " + first + ", " + second + "; the file has an unused \"" + block +
                        "into.bias\" of the same shape as " + first + ", and an unused \"" + block +
                        "out_of.bias\" of the same shape as " + second + ". "));
  // One unused tensor cannot be both.
  EXPECT_THAT(complaint_about([&](ShapeList& s) {
                rename_both(s);
                s.erase(block + "out_of.bias");
              }),
              HasSubstr("of the same shape as " + first + ". "));
}

// Published files contain queries and keys that the one-token attention never reads: they are not another tensor's.
TEST(WeightScope, DoesNotOfferTensorsKnownToBeUnneeded) {
  const std::string block = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.";
  ShapeList shapes = checkpoint_layout(synthetic_config("tiny", true), TextSide::no);
  ASSERT_TRUE(shapes.contains(block + "attn2.to_q.weight"));
  ASSERT_EQ(shapes.at(block + "attn2.to_q.weight"), shapes.at(block + "attn1.to_q.weight"));
  EXPECT_THAT(complaint_about([&](ShapeList& s) { s.erase(block + "attn1.to_q.weight"); }),
              AllOf(HasSubstr("the UNet lacks " + block + "attn1.to_q.weight [128, 128]. "), Not(HasSubstr("unused"))));
}

TEST(WeightScope, GroupsManyMissingTensors) {
  const std::string message = complaint_about([](ShapeList& s) {
    std::erase_if(s, [](const auto& entry) {
      return entry.first.starts_with("model.diffusion_model.output_blocks.3.") ||
             entry.first.starts_with("model.diffusion_model.input_blocks.5.1.");
    });
  });
  EXPECT_THAT(message, AllOf(ContainsRegex("the UNet lacks [0-9]+ tensors: "), HasSubstr("output_blocks.3"),
                             HasSubstr("input_blocks.5.1")));
  EXPECT_LT(message.size(), 1500u);
}

TEST(WeightScope, SaysWhatShapeWasExpected) {
  const std::string name = "model.diffusion_model.middle_block.0.in_layers.2.bias";
  EXPECT_THAT(complaint_about([&](ShapeList& s) { s[name] = {255}; }),
              HasSubstr("the UNet cannot use 1 of its tensors: " + name + " has shape [255], expected [256]. "));
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

// The same for read_config(), which looks at all parts.
template <typename Change>
std::string complaint_about_parts(const Change& change) {
  ShapeList shapes = checkpoint_layout(synthetic_config("tiny", true), TextSide::no);
  change(shapes);
  try {
    read_config(SyntheticSource(shapes, DType::f32, Threads(1)));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::bad_file);
    return e.what();
  }
  return "";
}

TEST(Config, RefusesPartsThatDoNotFitTogether) {
  EXPECT_EQ(complaint_about_parts([](ShapeList&) {}), "");
  EXPECT_THAT(complaint_about_parts([](ShapeList& s) {
                s["conditioner.embedders.3.encoder.encoder.conv_out.weight"] = {16, 128, 3, 3};
              }),
              AllOf(HasSubstr("input channels of the UNet"), HasSubstr("found 8, expected 12")));
  EXPECT_THAT(complaint_about_parts([](ShapeList& s) {
                s["conditioner.embedders.0.open_clip.model.visual.proj"] = {160, 96};
              }),
              HasSubstr("context channels"));
  EXPECT_THAT(complaint_about_parts([](ShapeList& s) {
                std::erase_if(s, [](const auto& e) { return e.first.starts_with("first_stage_model.decoder.up.3."); });
              }),
              HasSubstr("3 levels below first_stage_model.decoder.up, expected 4"));
}

TEST(Config, RefusesSizesThatNoModelHas) {
  const std::string conv = "model.diffusion_model.input_blocks.1.0.in_layers.2.weight";
  EXPECT_THAT(complaint_about_parts([&](ShapeList& s) { s[conv] = {1 << 20, 0, 3, 3}; }), HasSubstr(conv));
  EXPECT_THAT(complaint_about_parts([&](ShapeList& s) { s[conv] = {64, 0, 3, 3}; }), HasSubstr(conv));
  EXPECT_THAT(complaint_about_parts([](ShapeList& s) {
                s["conditioner.embedders.0.open_clip.model.visual.transformer.resblocks.900.ln_1.weight"] = {160};
              }),
              HasSubstr("901 CLIP layers"));
}

// A tiny checkpoint in which some tensors have a type of their own.
class MixedSource final : public TensorSource {
 public:
  MixedSource() : whole_(checkpoint_layout(synthetic_config("tiny", true), TextSide::no), DType::bf16, Threads(1)) {
    index_ = whole_.index();
  }
  void retype(const std::string& name, DType type) { index_[name].type = type; }
  void make_foreign(const std::string& name, const std::string& type) {
    index_.erase(name);
    foreign_[name] = type;
  }

  std::string describe() const override { return "mixed"; }
  const Index& index() const override { return index_; }
  std::optional<std::string> foreign_type(std::string_view name) const override {
    const auto it = foreign_.find(name);
    return it == foreign_.end() ? std::nullopt : std::optional(it->second);
  }
  std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const override {
    const TensorInfo& info = index_.find(name)->second;
    return SyntheticSource({{std::string(name), info.shape}}, info.type, Threads(1)).read(name, storage);
  }

 private:
  SyntheticSource whole_;
  Index index_;
  std::map<std::string, std::string, std::less<>> foreign_;
};

TEST(WeightScope, TakesPartsOfOneStackInDifferentTypes) {
  const std::string block = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.";
  MixedSource mixed;
  mixed.retype(block + "to_q.weight", DType::f16);
  mixed.retype(block + "to_v.weight", DType::f32);
  const auto backend = make_backend({.device = DeviceKind::cpu, .threads = 1});
  WeightLoader loader(&mixed, *backend);
  const auto scope = WeightScope(loader, "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1");
  const LinearWeights w = scope.stacked(std::array<std::string_view, 3>{"to_q", "to_k", "to_v"}, 64, 64, Bias::no);
  loader.finish("UNet");
  EXPECT_EQ(w.out_features, 192);
}

TEST(WeightScope, SaysThatATypeIsNotSupported) {
  MixedSource mixed;
  mixed.make_foreign("model.diffusion_model.out.2.bias", "F8_E4M3");
  const auto backend = make_counting_backend();
  WeightLoader loader(&mixed, *backend);
  VideoUNet(WeightScope(loader, std::string(part::kUNet)), read_unet_config(mixed, part::kUNet));
  EXPECT_TRUE(loader.missing().empty());
  ASSERT_EQ(loader.misshapen().size(), 1u);
  EXPECT_THAT(loader.misshapen()[0], HasSubstr("out.2.bias is of type F8_E4M3, expected F32"));
}

// Counts the tensors of each role that a network packs.
class RoleCount final : public HostBackend {
 public:
  RoleCount() : HostBackend(BufferPool::Mode::plan) {}
  std::map<WeightRole, int> roles;

  std::string describe() const override { return "roles"; }
  Numerics numerics() const override { return {}; }
  std::unique_ptr<Backend> make_planner() const override { return make_counting_backend(); }

 private:
  std::unique_ptr<PackedWeights> counted(const RawWeight& w) {
    ++roles[w.role];
    return nullptr;
  }
  std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight&) override {
    return counted(gamma);
  }
  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec&, const RawWeight& kernel, const RawWeight*) override {
    return counted(kernel);
  }
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight&, float) override {
    return counted(kernel);
  }
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> m, std::span<const RawWeight>) override {
    return counted(m[0]);
  }
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight*) override {
    return counted(matrix);
  }
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight& w1, const RawWeight&, const RawWeight&,
                                                      const RawWeight&) override {
    return counted(w1);
  }
  Tensor none() { return Tensor(); }
  Tensor do_to_channels_last(const Tensor&) override { return none(); }
  Tensor do_to_planar(const Tensor&) override { return none(); }
  Tensor do_embed_tokens(const Tensor&, const Tensor&, const Tensor&) override { return none(); }
  Tensor do_first_token(const Tensor&) override { return none(); }
  Tensor do_conv2d(const Tensor&, const Conv2dWeights&, const Shape&, ConvOptions) override { return none(); }
  Tensor do_temporal_conv(const Tensor&, const TemporalConvWeights&, const Shape&, ConvOptions) override {
    return none();
  }
  Tensor do_linear(const Tensor&, const LinearWeights&, const Shape&, LinearOptions) override { return none(); }
  Tensor do_vector_linear(const Tensor&, const VectorLinearWeights&, const VectorLinearOptions&) override {
    return none();
  }
  Tensor do_feed_forward(Operand, const FeedForwardWeights&, const FeedForwardOptions&) override { return none(); }
  Tensor do_group_norm(const Tensor&, const NormWeights&, const GroupNormOptions&) override { return none(); }
  Tensor do_layer_norm(const Tensor&, const NormWeights&) override { return none(); }
  Tensor do_group_norm_moments(const Tensor&, const GroupNormOptions&) override { return none(); }
  Tensor do_attention(const Tensor&, const Shape&, int64_t) override { return none(); }
  Tensor do_temporal_attention(const Tensor&, const Shape&, int64_t) override { return none(); }
  Tensor do_concat_channels(const Tensor&, const Tensor&, const Shape&) override { return none(); }
  void do_place_frames(const Tensor&, int64_t, Tensor&) override {}
};

template <typename Network>
std::map<WeightRole, int> roles_of() {
  const StableVideoConfig config = synthetic_config("full", true);
  RoleCount backend;
  WeightLoader loader(nullptr, backend);
  part_of(std::type_identity<Network>(), config).bind(loader);
  return backend.roles;
}

// A network's first and last layers are its edges; what int8 may not touch hangs on it.
TEST(WeightScope, TellsTheBackendWhatAWeightDoes) {
  using enum WeightRole;
  // 22 residual blocks, 16 transformers of a block within and one among frames.
  const std::map<WeightRole, int> unet = roles_of<VideoUNet>();
  EXPECT_EQ(unet.at(edge), 2);
  EXPECT_EQ(unet.at(temporal_conv), 2 * 22);
  EXPECT_EQ(unet.at(convolution), 2 * 22 + 3 + 3);  // and what halves and doubles the image
  EXPECT_EQ(unet.at(feed_forward), 3 * 16);
  EXPECT_EQ(roles_of<ClipVision>().at(edge), 1);
  EXPECT_EQ(roles_of<ClipVision>().at(feed_forward), 2 * 32);
  EXPECT_EQ(roles_of<AutoencoderEncoder>().at(edge), 3);  // with the 1x1 convolution to the moments
  EXPECT_EQ(roles_of<AutoencoderDecoder>().at(edge), 3);  // with the convolution over frames behind the last
}

TEST(WeightScope, SummaryOfFewNamesIsAllOfThem) { EXPECT_EQ(summarize_names({"a.b", "c.d"}), "a.b, c.d"); }

}  // namespace
}  // namespace svd::test
