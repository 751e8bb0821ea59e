// The epsilons of all norms. They are in no checkpoint, and hardly show in the golden data, whose activations are of
// unit size: in trained networks some are nearly flat. The values are those of Stability AI's code (generative-models,
// commit 0ad7de9): PyTorch's default where it names none.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "backends/planning/planning_backend.h"
#include "models/parts.h"

namespace svd::test {
namespace {

constexpr float kPyTorchDefault = 1e-5f;  // of torch.nn.GroupNorm and LayerNorm
constexpr float kNormalize = 1e-6f;       // of the Normalize() of the autoencoder and in front of the transformers

class Epsilons : public testing::Test {
 protected:
  template <typename Network>
  Network load() {
    WeightLoader loader(nullptr, *backend_);
    return part_of(std::type_identity<Network>(), config_).bind(loader);
  }

  void expect(const NormWeights& norm, float epsilon, const std::string& name) {
    EXPECT_EQ(norm.epsilon, epsilon) << name;
    ++norms_;
  }

  void expect(const VideoResBlock& block, const std::string& name) {
    expect(block.in_layers_0, kPyTorchDefault, name + ".in_layers.0");
    expect(block.out_layers_0, kPyTorchDefault, name + ".out_layers.0");
    expect(block.time_stack.in_layers_0, kPyTorchDefault, name + ".time_stack.in_layers.0");
    expect(block.time_stack.out_layers_0, kPyTorchDefault, name + ".time_stack.out_layers.0");
  }

  void expect(const SpatialVideoTransformer& transformer, const std::string& name) {
    expect(transformer.norm, kNormalize, name + ".norm");
    for (const SpatialBlock& block : transformer.transformer_blocks) {
      expect(block.norm1, kPyTorchDefault, name + ".transformer_blocks.norm1");
      expect(block.ff.norm, kPyTorchDefault, name + ".transformer_blocks.norm3");
    }
    for (const TemporalBlock& block : transformer.time_stack) {
      expect(block.ff_in.norm, kPyTorchDefault, name + ".time_stack.norm_in");
      expect(block.norm1, kPyTorchDefault, name + ".time_stack.norm1");
      expect(block.ff.norm, kPyTorchDefault, name + ".time_stack.norm3");
    }
  }

  void expect(const AutoencoderResBlock& block, const std::string& name) {
    expect(block.norm1, kNormalize, name + ".norm1");
    expect(block.norm2, kNormalize, name + ".norm2");
    if (!block.time_stack) return;
    expect(block.time_stack->in_layers_0, kPyTorchDefault, name + ".time_stack.in_layers.0");
    expect(block.time_stack->out_layers_0, kPyTorchDefault, name + ".time_stack.out_layers.0");
  }

  // Of the encoder or the decoder.
  template <typename Half, typename Levels>
  void expect_half(const Half& half, const Levels& levels) {
    expect(half.mid.block_1, "mid.block_1");
    expect(half.mid.attn_1.norm, kNormalize, "mid.attn_1.norm");
    expect(half.mid.block_2, "mid.block_2");
    for (const auto& level : levels) {
      for (const AutoencoderResBlock& block : level.block) expect(block, "block");
    }
    expect(half.norm_out, kNormalize, "norm_out");
  }

  const StableVideoConfig config_ = synthetic_config("tiny", true);
  const std::unique_ptr<Backend> backend_ = make_counting_backend();
  int norms_ = 0;
};

TEST_F(Epsilons, OfTheUNet) {
  const auto unet = load<VideoUNet>();
  const auto expect_blocks = [&](const std::vector<VideoUNet::Block>& blocks, const std::string& name) {
    for (size_t i = 0; i < blocks.size(); ++i) {
      if (blocks[i].res) expect(*blocks[i].res, name + std::to_string(i));
      if (blocks[i].transformer) expect(*blocks[i].transformer, name + std::to_string(i));
    }
  };
  expect_blocks(unet.input_blocks, "input_blocks ");
  expect(unet.middle_block_0, "middle_block.0");
  expect(unet.middle_block_1, "middle_block.1");
  expect(unet.middle_block_2, "middle_block.2");
  expect_blocks(unet.output_blocks, "output_blocks ");
  expect(unet.out_0, kPyTorchDefault, "out.0");
  EXPECT_EQ(norms_, 22 * 4 + 16 * 6 + 1);  // residual blocks, transformers and the output
}

TEST_F(Epsilons, OfClip) {
  const auto clip = load<ClipVision>();
  expect(clip.ln_pre, kPyTorchDefault, "ln_pre");
  for (const ClipResidualBlock& block : clip.resblocks) {
    expect(block.ln_1, kPyTorchDefault, "ln_1");
    expect(block.ln_2, kPyTorchDefault, "ln_2");
  }
  expect(clip.ln_post, kPyTorchDefault, "ln_post");
  EXPECT_EQ(norms_, 2 + 3 * 2);
}

TEST_F(Epsilons, OfTheEncoder) {
  const auto encoder = load<AutoencoderEncoder>();
  expect_half(encoder, encoder.down);
  EXPECT_EQ(norms_, (2 + 4 * 2) * 2 + 2);
}

TEST_F(Epsilons, OfTheDecoder) {
  const auto decoder = load<AutoencoderDecoder>();
  expect_half(decoder, decoder.up);
  EXPECT_EQ(norms_, (2 + 4 * 3) * 4 + 2);
}

}  // namespace
}  // namespace svd::test
