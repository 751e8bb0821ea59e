#include "models/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>

#include "base/fail.h"
#include "ops/backend.h"

namespace svd {
namespace {

// Beyond any real model. What a file says is only believed within these, so that a crafted one cannot ask for more work
// or memory than a real one.
constexpr int64_t kLargestSize = 1 << 16;
constexpr int64_t kMostLevels = 8, kMostBlocks = 8, kMostDepth = 16, kMostLayers = 128;

constexpr int64_t kLevels = 4;  // of the autoencoder: pictures are 8 times as wide as latents

// Questions about the tensors below a path.
class Names {
 public:
  Names(const TensorSource& source, std::string_view prefix) : source_(source), prefix_(prefix) {}

  bool any_below(std::string_view path) const {
    const std::string first = full(path) + ".";
    const auto it = source_.index().lower_bound(first);
    return it != source_.index().end() && it->first.starts_with(first);
  }

  // 1 + the largest N of the paths "<path>.N."
  int64_t count(std::string_view path) const {
    const std::string first = full(path) + ".";
    int64_t n = 0;
    for (auto it = source_.index().lower_bound(first); it != source_.index().end() && it->first.starts_with(first);
         ++it) {
      int64_t number = 0;
      const char* begin = it->first.data() + first.size();
      const auto [end, error] = std::from_chars(begin, it->first.data() + it->first.size(), number);
      if (error == std::errc() && end != begin && number < kMostNumbered) n = std::max(n, number + 1);
    }
    return n;
  }

  // A size of the first of these tensors that is there with so many dimensions.
  int64_t size(std::initializer_list<std::string_view> tensors, size_t rank, size_t axis) const {
    for (const std::string_view tensor : tensors) {
      const auto it = source_.index().find(full(tensor));
      if (it == source_.index().end()) {
        if (const auto type = source_.foreign_type(full(tensor))) {
          fail(ErrorCode::bad_file, "{}: {} is {}, expected F32, F16 or BF16", source_.describe(), full(tensor), *type);
        }
        continue;
      }
      const Shape& shape = it->second.shape;
      const auto sensible = [](int64_t size) { return size >= 1 && size <= kLargestSize; };
      if (shape.rank() != rank || !std::ranges::all_of(shape.sizes(), sensible)) {
        fail(ErrorCode::bad_file, "{}: {} is {}, expected {} dimensions with sizes from 1 to {}", source_.describe(),
             it->first, shape.str(), rank, kLargestSize);
      }
      return shape[axis];
    }
    fail(ErrorCode::bad_file,
         "{}: {} is missing, which the size of the model is read from. Is it a Stable Video Diffusion checkpoint? "
         "`svd info` lists what it has",
         source_.describe(), full(*tensors.begin()));
  }

  std::string full(std::string_view path) const { return fmt::format("{}.{}", prefix_, path); }

 private:
  static constexpr int64_t kMostNumbered = 1000;  // a larger number is not an index
  const TensorSource& source_;
  std::string prefix_;
};

// Group and head widths divide the channels in every published model; a file where they do not is not one.
int64_t multiple_of(int64_t divisor, int64_t channels, const TensorSource& source, std::string_view what) {
  if (channels % divisor != 0) {
    fail(ErrorCode::bad_file, "{}: {} has {} channels, expected a multiple of {}", source.describe(), what, channels,
         divisor);
  }
  return channels;
}

int64_t at_most(int64_t most, int64_t count, const TensorSource& source, std::string_view what) {
  if (count < 1 || count > most) {
    fail(ErrorCode::bad_file, "{}: {} {}, expected 1 to {}", source.describe(), count, what, most);
  }
  return count;
}

AutoencoderConfig read_autoencoder_levels(const TensorSource& source, const Names& names, std::string_view levels,
                                          std::string_view block_path) {
  AutoencoderConfig config;
  config.level_channels.clear();
  const int64_t count = std::min(names.count(levels), kMostLevels);
  for (int64_t level = 0; level < count; ++level) {
    const std::string block = fmt::format(fmt::runtime(block_path), level);
    const int64_t channels = names.size({block + ".conv1.weight", block + ".conv2.weight"}, 4, 0);
    config.level_channels.push_back(multiple_of(kNormGroups, channels, source, names.full(block)));
  }
  if (static_cast<int64_t>(config.level_channels.size()) != kLevels) {
    fail(ErrorCode::bad_file,
         "{}: {} levels below {}, expected {}. Is it a Stable Video Diffusion checkpoint? `svd info` lists what it has",
         source.describe(), config.level_channels.size(), names.full(levels), kLevels);
  }
  return config;
}

}  // namespace

VideoUNetConfig read_unet_config(const TensorSource& source, std::string_view prefix) {
  const Names names(source, prefix);
  VideoUNetConfig config;
  config.model_channels = names.size({"input_blocks.0.0.weight"}, 4, 0);
  config.in_channels = names.size({"input_blocks.0.0.weight"}, 4, 1);
  config.out_channels = names.size({"out.2.weight"}, 4, 0);
  config.embedding_channels = names.size({"time_embed.0.weight", "time_embed.2.weight"}, 2, 0);
  config.vector_channels = names.size({"label_emb.0.0.weight"}, 2, 1);
  config.level_channels.clear();
  config.level_has_transformer.clear();

  const int64_t blocks = names.count("input_blocks");
  int64_t blocks_of_level = 0;
  std::string transformer;  // path of some transformer
  for (int64_t i = 1; i < blocks; ++i) {
    const std::string block = fmt::format("input_blocks.{}", i);
    if (names.any_below(block + ".0.op")) {
      blocks_of_level = 0;
      continue;
    }
    if (blocks_of_level++ == 0) {
      const int64_t channels = names.size({block + ".0.in_layers.2.weight", block + ".0.out_layers.3.weight"}, 4, 0);
      config.level_channels.push_back(multiple_of(kUNetHeadWidth, channels, source, names.full(block)));
      config.level_has_transformer.push_back(false);
    }
    if (names.any_below(block + ".1")) {
      config.level_has_transformer.back() = true;
      transformer = block + ".1";
    }
    if (config.level_channels.size() == 1) config.res_blocks = blocks_of_level;
  }
  at_most(kMostLevels, static_cast<int64_t>(config.level_channels.size()), source, "levels in the UNet");
  at_most(kMostBlocks, config.res_blocks, source, "residual blocks in a level of the UNet");
  if (!transformer.empty()) {
    const std::string block = transformer + ".transformer_blocks.0.attn2.to_";
    config.context_channels = names.size({block + "v.weight", block + "k.weight"}, 2, 1);
    config.transformer_depth =
        at_most(kMostDepth, names.count(transformer + ".transformer_blocks"), source, "blocks in a transformer");
  }
  return config;
}

AutoencoderConfig read_encoder_config(const TensorSource& source, std::string_view prefix) {
  const Names names(source, prefix);
  AutoencoderConfig config = read_autoencoder_levels(source, names, "encoder.down", "encoder.down.{}.block.0");
  config.res_blocks = at_most(kMostBlocks, names.count("encoder.down.0.block"), source, "encoder blocks in a level");
  config.latent_channels = names.size({"encoder.conv_out.weight"}, 4, 0) / 2;
  config.quant_convs = true;
  return config;
}

AutoencoderConfig read_decoder_config(const TensorSource& source, std::string_view prefix) {
  const Names names(source, prefix);
  AutoencoderConfig config = read_autoencoder_levels(source, names, "decoder.up", "decoder.up.{}.block.0");
  config.res_blocks = at_most(kMostBlocks, names.count("decoder.up.0.block") - 1, source, "decoder blocks in a level");
  config.latent_channels = names.size({"decoder.conv_in.weight"}, 4, 1);
  config.temporal_decoder =
      names.any_below("decoder.conv_out.time_mix_conv") || names.any_below("decoder.mid.block_1.time_stack");
  config.quant_convs = names.any_below("post_quant_conv");
  return config;
}

ClipVisionConfig read_clip_config(const TensorSource& source, std::string_view prefix) {
  const Names names(source, prefix);
  ClipVisionConfig config;
  config.width = multiple_of(kClipHeadWidth, names.size({"conv1.weight"}, 4, 0), source, names.full("conv1"));
  config.patch = names.size({"conv1.weight"}, 4, 2);
  config.layers = at_most(kMostLayers, names.count("transformer.resblocks"), source, "CLIP layers");
  config.embedding = names.size({"proj"}, 2, 1);
  const int64_t tokens = names.size({"positional_embedding"}, 2, 0);
  const int64_t grid = std::llround(std::sqrt(static_cast<double>(tokens - 1)));
  if (grid * grid + 1 != tokens) {
    fail(ErrorCode::bad_file, "{}: {} has {} rows, expected one more than a square number", source.describe(),
         names.full("positional_embedding"), tokens);
  }
  config.image_size = grid * config.patch;
  return config;
}

// The parts hand each other tensors, so their sizes must fit.
StableVideoConfig read_config(const TensorSource& source) {
  StableVideoConfig c = {read_unet_config(source, part::kUNet), read_encoder_config(source, part::kEncoder),
                         read_decoder_config(source, part::kDecoder), read_clip_config(source, part::kClip)};
  const auto expect = [&](bool fits, std::string_view what, int64_t found, int64_t expected) {
    if (fits) return;
    fail(ErrorCode::bad_file, "{}: {}: found {}, expected {}. The parts of this file do not belong together",
         source.describe(), what, found, expected);
  };
  const auto equal = [&](std::string_view what, int64_t found, int64_t expected) {
    expect(found == expected, what, found, expected);
  };
  equal("input channels of the UNet", c.unet.in_channels, c.unet.out_channels + c.encoder.latent_channels);
  equal("channels that the decoder takes", c.decoder.latent_channels, c.unet.out_channels);
  equal("context channels of the UNet", c.unet.context_channels, c.clip.embedding);
  equal("pixels of CLIP's picture", c.clip.image_size, ClipVisionConfig{}.image_size);
  equal("channels of the UNet's first level", c.unet.level_channels.front(), c.unet.model_channels);
  // Three embeddings, each of as many cosines as sines.
  expect(c.unet.vector_channels % 6 == 0, "vector channels of the UNet", c.unet.vector_channels,
         VideoUNetConfig{}.vector_channels);
  return c;
}

StableVideoConfig synthetic_config(std::string_view size, bool temporal_decoder) {
  StableVideoConfig config;
  if (size == "tiny") {
    config.unet.model_channels = 64;
    config.unet.embedding_channels = 256;
    config.unet.context_channels = 64;
    config.unet.level_channels = {64, 128, 256, 256};
    config.encoder.level_channels = config.decoder.level_channels = {32, 64, 128, 128};
    config.clip.width = 160;
    config.clip.layers = 3;
    config.clip.embedding = 64;
  } else if (size != "full") {
    fail(ErrorCode::invalid_argument, "size: expected tiny or full, found {}", size);
  }
  config.encoder.quant_convs = true;
  config.decoder.quant_convs = !temporal_decoder;
  config.decoder.temporal_decoder = temporal_decoder;
  return config;
}

}  // namespace svd
