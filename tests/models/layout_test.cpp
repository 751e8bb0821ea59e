// The tensors of a synthetic checkpoint against the published files' lists, and the sizes read back from them.
#include <gtest/gtest.h>

#include "models/checkpoint_layout.h"
#include "support/golden.h"

namespace svd::test {
namespace {

class Layout : public testing::TestWithParam<bool> {};

TEST_P(Layout, OfFullSizeIsThePublishedOne) {
  const bool temporal = GetParam();
  const ShapeList published =
      read_shape_list(golden_path(temporal ? "svd_manifest.json" : "svd_image_decoder_manifest.json"));
  const ShapeList ours = checkpoint_layout(synthetic_config("full", temporal), TextSide::yes);
  for (const auto& [name, shape] : published) {
    const auto it = ours.find(name);
    ASSERT_NE(it, ours.end()) << name << " is not made";
    EXPECT_EQ(it->second, shape) << name;
  }
  for (const auto& [name, shape] : ours)
    EXPECT_TRUE(published.contains(name)) << name << " is not in the published file";
}

TEST_P(Layout, SizesAreReadBack) {
  for (const char* size : {"tiny", "full"}) {
    const StableVideoConfig made = synthetic_config(size, GetParam());
    const SyntheticSource source(checkpoint_layout(made, TextSide::no), DType::bf16, Threads(1));
    const StableVideoConfig read = read_config(source);
    EXPECT_EQ(read.unet.level_channels, made.unet.level_channels);
    EXPECT_EQ(read.unet.level_has_transformer, made.unet.level_has_transformer);
    EXPECT_EQ(read.unet.res_blocks, made.unet.res_blocks);
    EXPECT_EQ(read.unet.transformer_depth, made.unet.transformer_depth);
    EXPECT_EQ(read.unet.context_channels, made.unet.context_channels);
    EXPECT_EQ(read.unet.embedding_channels, made.unet.embedding_channels);
    EXPECT_EQ(read.unet.vector_channels, made.unet.vector_channels);
    EXPECT_EQ(read.unet.in_channels, 8);
    EXPECT_EQ(read.unet.out_channels, 4);
    EXPECT_EQ(read.encoder.level_channels, made.encoder.level_channels);
    EXPECT_EQ(read.decoder.level_channels, made.decoder.level_channels);
    EXPECT_EQ(read.decoder.res_blocks, made.decoder.res_blocks);
    EXPECT_EQ(read.decoder.temporal_decoder, GetParam());
    EXPECT_EQ(read.decoder.quant_convs, !GetParam());
    EXPECT_EQ(read.clip.width, made.clip.width);
    EXPECT_EQ(read.clip.layers, made.clip.layers);
    EXPECT_EQ(read.clip.image_size, 224);
    EXPECT_EQ(read.clip.embedding, made.clip.embedding);
  }
}

INSTANTIATE_TEST_SUITE_P(Decoders, Layout, testing::Bool(),
                         [](const auto& info) { return info.param ? "temporal" : "image"; });

}  // namespace
}  // namespace svd::test
