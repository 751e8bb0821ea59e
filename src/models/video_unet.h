// The denoising network of Stable Video Diffusion (Blattmann et al. 2023, "Stable Video Diffusion").
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "models/config.h"
#include "models/video_res_block.h"
#include "models/video_transformer.h"

namespace svd {

// What the network is told besides the noisy latents.
struct UNetConditioning {
  Tensor context;           // [1, D] f32: CLIP embedding of the picture; zeros in the unconditional branch
  Tensor vector;            // [1, 768] f32: embeddings of fps, motion and augmentation
  int64_t first_frame = 0;  // the number of the latents' first frame in the video
};

// Sees the output of a module, named as in the checkpoint ("input_blocks.1", "input_blocks.1.0", "middle_block").
using ModuleObserver = std::function<void(std::string_view module, const Tensor& output)>;

// Immutable after construction; the backend must outlive it.
struct VideoUNet {
  VideoUNet(const WeightScope& w, const VideoUNetConfig& config);

  // x [T, in, h, w] f32: noisy latents times c_in, then the conditioning latent -> [T, out, h, w] f32
  Tensor forward(Backend& b, const Tensor& x, float c_noise, const UNetConditioning& conditioning,
                 const ModuleObserver& observe = {}) const;

  struct Block {
    std::optional<VideoResBlock> res;
    std::optional<SpatialVideoTransformer> transformer;
    std::optional<Conv2dWeights> resample;  // alone on the way down, last on the way up
  };

  int64_t model_channels;
  VectorLinearWeights time_embed_0, time_embed_2;
  VectorLinearWeights label_emb_0_0, label_emb_0_2;
  Conv2dWeights input_conv;         // input_blocks.0
  std::vector<Block> input_blocks;  // from input_blocks.1
  VideoResBlock middle_block_0;
  SpatialVideoTransformer middle_block_1;
  VideoResBlock middle_block_2;
  std::vector<Block> output_blocks;
  NormWeights out_0;
  Conv2dWeights out_2;

 private:
  Tensor embedding(Backend& b, float c_noise, const Tensor& vector) const;
};

}  // namespace svd
