// The autoencoder between pictures and latents (Rombach et al. 2022), and its decoder with temporal layers
// (Blattmann et al. 2023, "Align your latents").
#pragma once

#include <optional>
#include <vector>

#include "models/config.h"
#include "models/weight_scope.h"

namespace svd {

enum class Temporal { no, yes };

// A residual block; in the temporal decoder followed by another over neighbouring frames.
struct AutoencoderResBlock {
  AutoencoderResBlock(const WeightScope& w, int64_t in, int64_t out, Temporal temporal);
  Tensor forward(Backend& b, Tensor x) const;   // [T, H, W, in] -> [T, H, W, out]
  Tensor spatial(Backend& b, Tensor x) const;   // its first half: each frame by itself
  Tensor temporal(Backend& b, Tensor h) const;  // its second, if any: [T, H, W, out] -> [T, H, W, out]

  struct TimeStack {
    TimeStack(const WeightScope& w, int64_t channels, float share);
    NormWeights in_layers_0;
    TemporalConvWeights in_layers_2;
    NormWeights out_layers_0;
    TemporalConvWeights out_layers_3;  // times the share of the temporal branch
  };

  NormWeights norm1;
  Conv2dWeights conv1;
  NormWeights norm2;
  Conv2dWeights conv2;
  std::optional<LinearWeights> nin_shortcut;  // where the widths differ
  std::optional<TimeStack> time_stack;
};

// Self-attention of one head among the pixels of a frame.
struct AutoencoderAttention {
  AutoencoderAttention(const WeightScope& w, int64_t channels);
  Tensor forward(Backend& b, Tensor x) const;  // [T, H, W, C] -> [T, H, W, C]

  NormWeights norm;
  LinearWeights qkv;
  LinearWeights proj_out;
};

struct AutoencoderMiddle {
  AutoencoderMiddle(const WeightScope& w, int64_t channels, Temporal temporal);
  Tensor forward(Backend& b, Tensor x) const;  // [T, H, W, C] -> [T, H, W, C]

  AutoencoderResBlock block_1;
  AutoencoderAttention attn_1;
  AutoencoderResBlock block_2;
};

// Both halves are immutable after construction; the backend must outlive them.
struct AutoencoderEncoder {
  // `w` is the path of the autoencoder: its encoder is <w>.encoder, followed by <w>.quant_conv.
  AutoencoderEncoder(const WeightScope& w, const AutoencoderConfig& config);

  // Pictures in [-1, 1], [N, 3, H, W] in float32 -> moments [N, 2 z, H/8, W/8] in float32: the means of the latents,
  // then the logarithms of their variances.
  Tensor forward(Backend& b, const Tensor& pictures) const;

  struct Level {
    std::vector<AutoencoderResBlock> block;
    std::optional<Conv2dWeights> downsample;  // but at the last level
  };
  Conv2dWeights conv_in;
  std::vector<Level> down;
  AutoencoderMiddle mid;
  NormWeights norm_out;
  Conv2dWeights conv_out;
  std::optional<LinearWeights> quant_conv;
};

struct AutoencoderDecoder {
  AutoencoderDecoder(const WeightScope& w, const AutoencoderConfig& config);

  // Latents [T, z, h, w] in float32, already divided by the scale factor -> frames [T, 3, 8 h, 8 w] in float32,
  // [-1, 1] but for overshoot. The frames are one chunk: with temporal layers they see each other. Without, they are
  // decoded one by one, which takes less memory.
  Tensor forward(Backend& b, const Tensor& latents) const;

  struct Level {
    std::vector<AutoencoderResBlock> block;
    std::optional<Conv2dWeights> upsample;  // but at the finest level
  };
  std::optional<LinearWeights> post_quant_conv;
  Conv2dWeights conv_in;
  AutoencoderMiddle mid;
  std::vector<Level> up;  // finest first, as in the checkpoint; run from the back
  NormWeights norm_out;
  Conv2dWeights conv_out;
  std::optional<TemporalConvWeights> time_mix_conv;

  // Elements held at a time behind a doubling of the frames: as many frames go together as fit, one at least. Changes
  // memory and speed, not the result.
  int64_t enlarged_elements = int64_t{1} << 28;

 private:
  Tensor decode(Backend& b, const Tensor& latents) const;
};

// Latents are divided by this before decoding (and multiplied after encoding, which the conditioning latent is not).
constexpr float kLatentScale = 0.18215f;

}  // namespace svd
