#include "checkpoint/synthetic.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "checkpoint/safetensors.h"
#include "checkpoint/temporary.h"
#include "support/golden.h"
#include "svd/error.h"
#include "tensor/convert.h"

namespace svd {
namespace {

struct KnownValue {
  const char* name;
  Shape shape;
  int64_t element;
  float value;
};

// Computed by a separate Python program from the text of tests/golden/README.md; every rule at least once.
const KnownValue kKnown[] = {
    {"model.diffusion_model.time_embed.0.weight", {1280, 320}, 0, -0x1.797958p-4f},
    {"model.diffusion_model.time_embed.0.weight", {1280, 320}, 1, 0x1.5193eap-7f},
    {"model.diffusion_model.time_embed.0.weight", {1280, 320}, 409599, 0x1.cfbcap-5f},
    {"model.diffusion_model.input_blocks.1.0.time_mixer.mix_factor", {1}, 0, -0x1.2e574cp-1f},
    {"conditioner.embedders.0.open_clip.model.visual.proj", {1280, 1024}, 5, -0x1.46ee6cp-5f},
    {"conditioner.embedders.0.open_clip.model.visual.proj", {1280, 1024}, 1310719, 0x1.44b402p-8f},
    {"conditioner.embedders.0.open_clip.model.visual.positional_embedding", {257, 1280}, 7, 0x1.593c66p-5f},
    {"conditioner.embedders.0.open_clip.model.visual.class_embedding", {1280}, 1279, 0x1.4024d6p-4f},
    {"first_stage_model.encoder.norm_out.weight", {512}, 0, 0x1.d85a76p-1f},
    {"first_stage_model.encoder.norm_out.weight", {512}, 511, 0x1.13435cp+0f},
    {"first_stage_model.encoder.norm_out.bias", {512}, 3, 0x1.0b237ap-5f},
    {"first_stage_model.decoder.conv_in.time_stack.weight", {4, 3, 3, 1, 2}, 71, -0x1.a81504p-4f},
    {"logit_scale", {}, 0, 0x1.a07326p-7f},
    {"a.weight", {}, 0, 0x1.17663ap-6f},
};

TEST(Synthetic, KnownValues) {
  for (const auto& [name, shape, element, value] : kKnown) {
    float found = 0;
    synthetic_values(name, shape, element, {&found, 1});
    EXPECT_EQ(found, value) << name << " " << element;
  }
}

TEST(Synthetic, KnownUniforms) {
  const auto u = [](std::string_view name, int64_t i) {
    float value = 0;
    synthetic_uniform(name, i, {&value, 1});
    return value;
  };
  EXPECT_EQ(u("x1", 0), -0x1.8fa62p-4f);
  EXPECT_EQ(u("x1", 123456), -0x1.559608p-1f);
  EXPECT_EQ(u("", 0), 0x1.0e05fp-1f);
  EXPECT_EQ(u("y1", 5'000'000'000), -0x1.6814cp-4f);  // beyond 32 bits
}

// The reference implementation's own inputs.
TEST(Synthetic, GoldenInputs) {
  const test::GoldenFile golden("tiny_unet.safetensors");
  const float sqrt3 = static_cast<float>(std::sqrt(3.0));
  for (const auto& [tensor, name] : {std::pair{"x", "x1"}, {"context", "ctx1"}, {"y", "y1"}}) {
    const auto expected = golden.f32(tensor);
    std::vector<float> found(expected.size());
    synthetic_uniform(name, 0, found);
    for (float& v : found) v *= sqrt3;
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found, expected) << tensor;
  }
}

TEST(Synthetic, BlocksJoin) {
  const std::string name = "some.tensor.weight";
  const Shape shape{7, 11, 13};
  std::vector<float> whole(1001), blocks(1001);
  synthetic_values(name, shape, 0, whole);
  for (int64_t first = 0, size = 1; first < 1001; first += size, size = std::min<int64_t>(size * 2, 1001 - first)) {
    synthetic_values(name, shape, first, std::span(blocks).subspan(first, size));
    if (first + size == 1001) break;
  }
  EXPECT_EQ(whole, blocks);
}

TEST(Synthetic, HasUnitVarianceSums) {
  std::vector<float> values(256 * 512);
  synthetic_values("w", {256, 512}, 0, values);
  double squares = 0, sum = 0;
  for (const float v : values) {
    squares += v * v;
    sum += v;
  }
  EXPECT_NEAR(squares / 256, 1, 0.02);  // a row's sum of squares
  EXPECT_NEAR(sum / static_cast<double>(values.size()), 0, 1e-3);
}

const ShapeList kSmall = {{"a.weight", {3, 5, 3, 3}}, {"a.bias", {3}}, {"b.mix_factor", {1}}, {"none", {0, 4}},
                          {"big.weight", {40, 1000}}, {"scalar", {}}};

class SyntheticType : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Synthetic, SyntheticType, testing::Values(DType::f32, DType::bf16, DType::f16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST_P(SyntheticType, SourceAndFileAgreeWithTheFormula) {
  const test::TemporaryFolder folder;
  const DType type = GetParam();
  const SyntheticSource one(kSmall, type, Threads(1)), three(kSmall, type, Threads(3));
  std::vector<double> fractions;
  write_synthetic(folder / "s.safetensors", kSmall, type, Threads(2), [&](double f) { fractions.push_back(f); });
  EXPECT_TRUE(std::ranges::is_sorted(fractions));
  ASSERT_FALSE(fractions.empty());
  EXPECT_EQ(fractions.back(), 1);
  const SafetensorsFile file(folder / "s.safetensors");
  EXPECT_FALSE(file.metadata().empty());
  for (const TensorSource* source : {static_cast<const TensorSource*>(&one), static_cast<const TensorSource*>(&three),
                                     static_cast<const TensorSource*>(&file)}) {
    ASSERT_EQ(source->index().size(), kSmall.size());
    for (const auto& [name, shape] : kSmall) {
      EXPECT_EQ(source->index().at(name).shape, shape);
      EXPECT_EQ(source->index().at(name).type, type);
      std::vector<float> values(shape.numel());
      synthetic_values(name, shape, 0, values);
      std::vector<std::byte> expected(values.size() * size_of(type)), storage;
      convert(std::as_bytes(std::span(values)), DType::f32, expected, type);
      EXPECT_TRUE(std::ranges::equal(source->read(name, storage), expected)) << source->describe() << " " << name;
    }
  }
}

// More than one block of write_synthetic.
TEST(Synthetic, WritesLargeTensorsInBlocks) {
  const test::TemporaryFolder folder;
  const ShapeList shapes = {{"large", {9, 1'000'003}}};
  write_synthetic(folder / "s.safetensors", shapes, DType::bf16, Threads(2));
  const SafetensorsFile file(folder / "s.safetensors");
  const SyntheticSource source(shapes, DType::bf16, Threads(2));
  std::vector<std::byte> a, b;
  EXPECT_TRUE(std::ranges::equal(file.read("large", a), source.read("large", b)));
}

TEST(Synthetic, StopsWhenProgressThrows) {
  const test::TemporaryFolder folder;
  const auto stop = [](double) { throw std::runtime_error("stop"); };
  EXPECT_THROW(write_synthetic(folder / "s.safetensors", kSmall, DType::f32, Threads(1), stop), std::runtime_error);
  EXPECT_TRUE(folder.is_empty());
}

TEST(Synthetic, RefusesWhatIsNotThere) {
  const SyntheticSource source(kSmall, DType::f32, Threads(1));
  std::vector<std::byte> storage;
  EXPECT_THROW(source.read("no.such", storage), Error);
  EXPECT_THROW(SyntheticSource(kSmall, DType::u8, Threads(1)), Error);
}

TEST(Synthetic, ReadsTheManifest) {
  const ShapeList list = read_shape_list(test::golden_path("svd_manifest.json"));
  EXPECT_EQ(list.size(), 2446u);
  EXPECT_EQ(list.at("model.diffusion_model.time_embed.0.weight"), (Shape{1280, 320}));
  const test::TemporaryFolder folder;
  EXPECT_THROW(read_shape_list(folder / "none.json"), Error);
  for (const auto* text : {"", "[1]", "{\"a\":1}", "{\"a\":[-1]}", "{\"a\":[1,2,3,4,5,6]}", "{\"a\":[\"1\"]}"}) {
    EXPECT_THROW(read_shape_list(folder.file("list.json", text)), Error) << text;
  }
}

}  // namespace
}  // namespace svd
