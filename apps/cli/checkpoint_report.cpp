#include "checkpoint_report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>

#include "backends/planning/planning_backend.h"
#include "base/fail.h"
#include "checkpoint/file_kind.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/video_unet.h"

namespace svd::cli {
namespace {

class Reporter {
 public:
  explicit Reporter(const SafetensorsFile& file) : file_(file) {}

  // read_config makes the Config that describe prints and Part is constructed from.
  template <typename Part, typename Config>
  PartReport part(std::string name, std::string_view prefix,
                  Config (*read_config)(const TensorSource&, std::string_view),
                  const std::function<std::string(const Config&)>& describe) {
    PartReport report{.name = std::move(name), .prefix = std::string(prefix)};
    const auto backend = make_counting_backend();
    WeightLoader loader(&file_, *backend);
    try {
      const Config config = read_config(file_, prefix);
      report.sizes = describe(config);
      Part(WeightScope(loader, report.prefix), config);
    } catch (const Error& e) {
      report.problems.emplace_back(e.what());
    }
    report.missing = loader.missing();
    if (!report.missing.empty()) report.missing_summary = loader.missing_summary();
    report.problems.insert(report.problems.end(), loader.misshapen().begin(), loader.misshapen().end());
    for (const auto& [tensor, shape] : loader.needed()) {
      const auto it = file_.index().find(tensor);
      if (it == file_.index().end()) continue;
      needed_.insert(tensor);
      const uint64_t elements = static_cast<uint64_t>(it->second.shape.numel());
      ++report.tensors;
      report.parameters += elements;
      report.bytes += elements * size_of(it->second.type);
      ++report.types[std::string(name_of(it->second.type))];
    }
    return report;
  }

  uint64_t unused() const { return file_.index().size() - needed_.size() + file_.other_types().size(); }

 private:
  const SafetensorsFile& file_;
  std::set<std::string> needed_;
};

std::string describe_autoencoder(const AutoencoderConfig& c) {
  return fmt::format("levels {}, {} residual blocks each, {} latent channels", fmt::join(c.level_channels, " "),
                     c.res_blocks, c.latent_channels);
}

// The published versions share one network. Only the decoder and, at best, the file name tell them apart.
std::string guess_version(const std::filesystem::path& path, const SafetensorsFile& file) {
  const auto has = [&](std::string_view prefix) {
    const auto it = file.index().lower_bound(prefix);
    return it != file.index().end() && it->first.starts_with(prefix);
  };
  if (const auto shard = shard_of(path.filename().string())) {
    return fmt::format("file {} of {} of a checkpoint that was split ({}); this program needs it as one file",
                       shard->number, shard->count, shard->set);
  }
  if (!has(part::kUNet)) return "not a Stable Video Diffusion checkpoint";
  const bool temporal = has("first_stage_model.decoder.mid.block_1.time_stack");
  const std::string name = path.filename().string();
  if (temporal && name.find("svd_demo") != std::string::npos) return "svd_demo (by the file name)";
  const bool xt = name.find("xt") != std::string::npos, newer = name.find("1_1") != std::string::npos;
  if (temporal && xt) return newer ? "svd_xt_1_1 (by the file name)" : "svd_xt (by the file name)";
  if (temporal)
    return name.find("svd") != std::string::npos ? "svd (by the file name)" : "svd or svd_xt (they share one network)";
  return xt ? "svd_xt_image_decoder (by the file name)"
            : "svd_image_decoder or svd_xt_image_decoder (they share one network)";
}

}  // namespace

bool CheckpointReport::complete() const { return std::ranges::all_of(parts, &PartReport::complete); }

CheckpointReport report_on(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  Reporter reporter(file);
  CheckpointReport report{.path = path.string(), .file_bytes = std::filesystem::file_size(path)};
  report.version_guess = guess_version(path, file);
  report.parts.push_back(
      reporter.part<VideoUNet, VideoUNetConfig>("UNet", part::kUNet, read_unet_config, [](const VideoUNetConfig& c) {
        return fmt::format("levels {}, {} residual blocks each, context {}, input {} channels",
                           fmt::join(c.level_channels, " "), c.res_blocks, c.context_channels, c.in_channels);
      }));
  report.parts.push_back(reporter.part<ClipVision, ClipVisionConfig>(
      "CLIP image tower", part::kClip, read_clip_config, [](const ClipVisionConfig& c) {
        return fmt::format("width {}, {} layers, patch {}, {} pixels, embedding {}", c.width, c.layers, c.patch,
                           c.image_size, c.embedding);
      }));
  report.parts.push_back(reporter.part<AutoencoderEncoder, AutoencoderConfig>(
      "VAE encoder", part::kEncoder, read_encoder_config, describe_autoencoder));
  report.parts.push_back(reporter.part<AutoencoderDecoder, AutoencoderConfig>(
      "VAE decoder", part::kDecoder, read_decoder_config, [](const AutoencoderConfig& c) {
        return fmt::format("{}, {}", c.temporal_decoder ? "temporal" : "frame by frame", describe_autoencoder(c));
      }));
  report.unused = reporter.unused();
  report.metadata = file.metadata();
  return report;
}

}  // namespace svd::cli
