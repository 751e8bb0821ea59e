#include "pipeline/image_to_video.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/translate.h"
#include "diffusion/schedule.h"
#include "media/clip_preprocess.h"
#include "pipeline/guided_denoiser.h"
#include "pipeline/preview.h"

namespace svd {
namespace {

using Values = std::vector<float>;

struct Conditioning {
  ConditioningValues values;
  std::optional<LatentPreview> preview;  // when somebody looks at the steps
};

void record(const PipelineRun& c, std::string_view name, const Shape& shape, std::span<const float> values) {
  if (c.record) c.record({name, shape.sizes(), values, {}});
}

// A network's result on the host. What is not finite is worth nothing, and better known of now than at the end.
Values finite_values(Backend& b, const Tensor& result, std::string_view network) {
  Values values = b.download(result);
  if (std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return values;
  fail(ErrorCode::bad_file,
       "the {} gave values that are not finite: its weights are damaged, or too large for the precision. Check the "
       "checkpoint with `svd info --verify`, or try precision f32",
       network);
}

// 8-bit RGB to [-1, 1]: [3, H, W]
Values to_planes(const Image& image) {
  const size_t pixels = image.rgb.size() / 3;
  Values planes(image.rgb.size());
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < 3; ++c)
      planes[c * pixels + i] = static_cast<float>(image.rgb[3 * i + c]) / 255.0f * 2.0f - 1.0f;
  }
  return planes;
}

Values embed_with_clip(const PipelineRun& c, const Values& picture, const Settings& s) {
  const int64_t size = c.config().clip.image_size;
  ensure(size == kClipImageSize, "CLIP of {} pixels; the preprocessing is made for {}", size, kClipImageSize);
  const Values preprocessed = clip_preprocess(picture, s.height, s.width);  // [3, 224, 224]
  record(c, "clip_preprocessed", {1, 3, size, size}, preprocessed);
  const auto clip = load_part<ClipVision>(c.source, c.parts);
  c.progress().begin(Phase::encoding, c.plan.clip.cost);
  Backend& b = c.backend();
  return finite_values(b, clip->forward(b, b.upload({1, 3, size, size}, preprocessed)), "CLIP network");
}

// The mean of the latent distribution, not scaled: [1, 4, h, w]
Values encode_frame(const PipelineRun& c, const Values& cond_frame, const Settings& s) {
  const auto encoder = load_part<AutoencoderEncoder>(c.source, c.parts);
  c.progress().begin(Phase::encoding, c.plan.encoder.cost);
  Backend& b = c.backend();
  Values moments =
      finite_values(b, encoder->forward(b, b.upload({1, 3, s.height, s.width}, cond_frame)), "VAE encoder");
  moments.resize(moments.size() / 2);  // the means come first
  return moments;
}

Conditioning condition(const PipelineRun& c, const Image& image, const Settings& s, Generator& generator) {
  const Values picture = to_planes(image);  // [3, H, W]
  Values cond_frame(picture.size());        // [3, H, W]
  generator.normal(cond_frame);
  for (size_t i = 0; i < picture.size(); ++i) cond_frame[i] = picture[i] + s.cond_aug * cond_frame[i];
  record(c, "cond_frames", {1, 3, s.height, s.width}, cond_frame);

  Conditioning conditioning;
  ConditioningValues& result = conditioning.values;
  result.clip_embedding = embed_with_clip(c, picture, s);
  record(c, "clip_embedding", {1, 1, c.config().clip.embedding}, result.clip_embedding);
  result.concat_latent = encode_frame(c, cond_frame, s);
  record(c, "concat_latent", {1, c.config().encoder.latent_channels, s.latent_height(), s.latent_width()},
         result.concat_latent);

  if (c.on_step) conditioning.preview.emplace(picture, result.concat_latent, s.latent_height(), s.latent_width());

  const int width = static_cast<int>(c.config().unet.vector_channels / 3);
  for (const float value : {static_cast<float>(s.fps_id), static_cast<float>(s.motion_bucket_id), s.cond_aug}) {
    const Values embedding = timestep_embedding(value, width);
    result.vector.insert(result.vector.end(), embedding.begin(), embedding.end());
  }
  if (c.record) {
    Values rows;  // the same for every frame
    for (int t = 0; t < s.num_frames; ++t) rows.insert(rows.end(), result.vector.begin(), result.vector.end());
    record(c, "vector", {s.num_frames, static_cast<int64_t>(result.vector.size())}, rows);
  }
  return conditioning;
}

void check_finite(const Values& x, int step) {
  if (std::ranges::all_of(x, [](float v) { return std::isfinite(v); })) return;
  fail(
      ErrorCode::bad_file,
      "the latents are not finite after step {}: the UNet's weights are damaged, or too large for the precision. Check "
      "the checkpoint with `svd info --verify`, or try precision f32",
      step);
}

void record_first_step(const PipelineRun& c, const Shape& shape, const GuidedDenoiser& denoiser) {
  record(c, "first_step_cond_denoised", shape, denoiser.conditional());
  if (!denoiser.unconditional().empty()) record(c, "first_step_uncond_denoised", shape, denoiser.unconditional());
}

Values denoise(const PipelineRun& c, Agreement& agreement, const Conditioning& conditioning, const Settings& s,
               Generator& generator) {
  const auto unet = load_part<VideoUNet>(c.source, c.parts);
  const Shape shape{s.num_frames, c.config().unet.out_channels, s.latent_height(), s.latent_width()};  // [T, 4, h, w]
  GuidedDenoiser denoiser(c.backend(), *unet, *s.guider, agreement, shape, conditioning.values);
  Values x(static_cast<size_t>(shape.numel()));  // [T, 4, h, w]
  generator.normal(x);
  record(c, "init_noise", shape, x);
  record(c, "sigmas", {static_cast<int64_t>(s.sigmas.size())}, s.sigmas);

  bool first = true;
  Values latest(conditioning.preview ? x.size() : 0);  // the prediction of the clean latents, for the preview
  const Denoiser guided = [&](std::span<const float> noisy, float sigma, std::span<float> denoised) {
    denoiser(noisy, sigma, denoised);
    if (std::exchange(first, false)) record_first_step(c, shape, denoiser);
    if (!latest.empty()) std::ranges::copy(denoised, latest.begin());
  };
  c.progress().begin(Phase::denoising, s.network_calls() * c.plan.unet.cost);
  c.progress().set_step(0, s.num_steps);
  s.sampler->sample(x, s.sigmas, guided, generator, [&](int step, int steps) {
    check_finite(x, step);
    c.progress().set_step(step, steps);
    if (!c.on_step) return;
    c.on_step({step, steps, [&] {
                 return translated([&] {
                   Values unscaled = latest;
                   for (float& v : unscaled) v /= kLatentScale;
                   return conditioning.preview->project(unscaled);
                 });
               }});
  });
  record(c, "latents", shape, x);
  return x;
}

std::vector<Image> decode(const PipelineRun& c, const Values& latents, const Settings& s) {
  const auto decoder = load_part<AutoencoderDecoder>(c.source, c.parts);
  c.progress().begin(Phase::decoding, c.plan.whole_chunks * c.plan.decoder.cost + c.plan.last_decoder.cost);
  const int64_t channels = c.config().decoder.latent_channels;
  const size_t per_frame = latents.size() / static_cast<size_t>(s.num_frames);
  Backend& b = c.backend();
  FrameOutput output(s, c.frames, c.record);
  for (const FrameRange chunk : decoder_chunks(s.num_frames, s.decoding_t)) {
    const auto first = latents.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(chunk.first) * per_frame);
    Values scaled(first, first + static_cast<std::ptrdiff_t>(static_cast<size_t>(chunk.count) * per_frame));
    for (float& v : scaled) v /= kLatentScale;
    const Shape shape{chunk.count, channels, s.latent_height(), s.latent_width()};
    const Values decoded = finite_values(b, decoder->forward(b, b.upload(shape, scaled)), "VAE decoder");
    output.add(decoded);    // [count, 3, H, W]
    c.progress().report();  // a chance to cancel after each delivery
  }
  return output.finish();
}

std::vector<Image> run(const PipelineRun& c, Agreement& agreement, const Image& image, const Settings& s,
                       Generator& generator) {
  const Conditioning conditioning = condition(c, image, s, generator);
  const Values latents = denoise(c, agreement, conditioning, s, generator);  // [T, 4, h, w]
  return decode(c, latents, s);
}

}  // namespace

std::vector<FrameRange> decoder_chunks(int frames, int at_a_time) {
  std::vector<FrameRange> chunks;
  for (int first = 0; first < frames; first += at_a_time)
    chunks.push_back({first, std::min(at_a_time, frames - first)});
  return chunks;
}

std::vector<Image> image_to_video(const PipelineRun& c, const Image& image, const Settings& settings,
                                  Generator& generator) {
  Agreement agreement(c.communicator);
  try {
    std::vector<Image> frames = run(c, agreement, image, settings, generator);
    agreement.go_on();
    return frames;
  } catch (...) {
    agreement.leave();
    throw;
  }
}

}  // namespace svd
