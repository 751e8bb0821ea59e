// The sizes of a model, read off the names and shapes of its tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor_source.h"

namespace svd {

// Name prefixes of the parts in Stability AI's checkpoints.
namespace part {
constexpr std::string_view kUNet = "model.diffusion_model";
constexpr std::string_view kClip = "conditioner.embedders.0.open_clip.model.visual";
constexpr std::string_view kEncoder = "conditioner.embedders.3.encoder";  // encodes the conditioning frame
constexpr std::string_view kDecoder = "first_stage_model";                // decodes the latents
}  // namespace part

struct VideoUNetConfig {
  int64_t in_channels = 8;
  int64_t out_channels = 4;
  int64_t model_channels = 320;
  int64_t embedding_channels = 1280;  // of the time embedding
  int64_t vector_channels = 768;      // fps, motion and augmentation, 256 each
  int64_t context_channels = 1024;    // of the CLIP embedding
  std::vector<int64_t> level_channels = {320, 640, 1280, 1280};
  std::vector<bool> level_has_transformer = {true, true, true, false};
  int64_t res_blocks = 2;  // per level of the way down; one more on the way up
  int64_t transformer_depth = 1;
};

struct AutoencoderConfig {
  std::vector<int64_t> level_channels = {128, 256, 512, 512};  // finest first
  int64_t res_blocks = 2;                                      // per level of the encoder; the decoder has one more
  int64_t latent_channels = 4;
  bool temporal_decoder = true;  // else frames are decoded one by one
  bool quant_convs = false;      // first_stage_model has them in image-decoder files only
};

struct ClipVisionConfig {
  int64_t width = 1280;
  int64_t layers = 32;
  int64_t patch = 14;
  int64_t image_size = 224;
  int64_t embedding = 1024;
};

struct StableVideoConfig {
  VideoUNetConfig unet;
  AutoencoderConfig encoder, decoder;
  ClipVisionConfig clip;
};

constexpr int64_t kUNetHeadWidth = 64;  // not in the file: constants of the published models
constexpr int64_t kClipHeadWidth = 80;

// Throws Error(bad_file) when the file is not of this kind or lacks a tensor that a size is read from.
StableVideoConfig read_config(const TensorSource& source);
VideoUNetConfig read_unet_config(const TensorSource& source, std::string_view prefix);
AutoencoderConfig read_encoder_config(const TensorSource& source, std::string_view prefix);
AutoencoderConfig read_decoder_config(const TensorSource& source, std::string_view prefix);
ClipVisionConfig read_clip_config(const TensorSource& source, std::string_view prefix);

// "tiny": the same structure with small widths, for tests. "full": the published sizes.
StableVideoConfig synthetic_config(std::string_view size, bool temporal_decoder);

}  // namespace svd
