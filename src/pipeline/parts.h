// The four networks of a model, loaded when their turn comes.
#pragma once

#include <cstdint>
#include <memory>

#include "checkpoint/tensor_source.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/config.h"
#include "models/video_unet.h"
#include "ops/backend.h"
#include "pipeline/progress.h"

namespace svd {

// What loading needs. Everything is borrowed.
struct PartSource {
  const TensorSource& tensors;
  const StableVideoConfig& config;
  Backend& backend;
  ProgressReporter& progress;
};

// Parts that stay in memory between runs; without `keep` none does, and a part goes when its user lets go of it.
struct KeptParts {
  bool keep = false;
  std::shared_ptr<const ClipVision> clip = {};
  std::shared_ptr<const AutoencoderEncoder> encoder = {};
  std::shared_ptr<const VideoUNet> unet = {};
  std::shared_ptr<const AutoencoderDecoder> decoder = {};
};

// The kept part, or else one loaded from the checkpoint. Loading reports progress by the bytes of the checkpoint that
// it has read, and lets the pages of the file go afterwards. Throws Error(bad_file) that names everything missing.
std::shared_ptr<const ClipVision> clip_of(const PartSource& source, KeptParts& parts);
std::shared_ptr<const AutoencoderEncoder> encoder_of(const PartSource& source, KeptParts& parts);
std::shared_ptr<const VideoUNet> unet_of(const PartSource& source, KeptParts& parts);
std::shared_ptr<const AutoencoderDecoder> decoder_of(const PartSource& source, KeptParts& parts);

// What the weights of all parts take in memory.
uint64_t weight_bytes(const StableVideoConfig& config, DType activation);

}  // namespace svd
