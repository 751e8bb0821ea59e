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
#include "pipeline/preview.h"

namespace svd {
namespace {

using Values = std::vector<float>;

// What the network is told about the picture.
struct Conditioning {
  Values clip_embedding;                 // [1, D]
  Values concat_latent;                  // [1, 4, h, w]
  Values vector;                         // [1, 768]
  std::optional<LatentPreview> preview;  // when somebody looks at the steps
};

void record(const PipelineRun& c, std::string_view name, const Shape& shape, std::span<const float> values) {
  if (c.record) c.record({name, shape.sizes(), values, {}});
}

Tensor to_tensor(Backend& b, const Shape& shape, std::span<const float> values) {
  Tensor t(b.pool(), shape, DType::f32);
  ensure(values.size() == static_cast<size_t>(shape.numel()), "{} values for {}", values.size(), shape.str());
  std::ranges::copy(values, t.data<float>().begin());
  return t;
}

Values to_values(const Tensor& t) { return Values(t.data<float>().begin(), t.data<float>().end()); }

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
  const auto clip = clip_of(c.source, c.parts);
  c.progress().begin(Phase::encoding, c.plan.clip.cost);
  return to_values(clip->forward(c.backend(), to_tensor(c.backend(), {1, 3, size, size}, preprocessed)));
}

// The mean of the latent distribution, not scaled: [1, 4, h, w]
Values encode_frame(const PipelineRun& c, const Values& cond_frame, const Settings& s) {
  const auto encoder = encoder_of(c.source, c.parts);
  c.progress().begin(Phase::encoding, c.plan.encoder.cost);
  Values moments =
      to_values(encoder->forward(c.backend(), to_tensor(c.backend(), {1, 3, s.height, s.width}, cond_frame)));
  moments.resize(moments.size() / 2);  // the means come first
  return moments;
}

Conditioning condition(const PipelineRun& c, const Image& image, const Settings& s, Generator& generator) {
  const Values picture = to_planes(image);  // [3, H, W]
  Values cond_frame(picture.size());        // [3, H, W]
  generator.normal(cond_frame);
  for (size_t i = 0; i < picture.size(); ++i) cond_frame[i] = picture[i] + s.cond_aug * cond_frame[i];
  record(c, "cond_frames", {1, 3, s.height, s.width}, cond_frame);

  Conditioning result;
  result.clip_embedding = embed_with_clip(c, picture, s);
  record(c, "clip_embedding", {1, 1, c.config().clip.embedding}, result.clip_embedding);
  result.concat_latent = encode_frame(c, cond_frame, s);
  record(c, "concat_latent", {1, c.config().encoder.latent_channels, s.latent_height(), s.latent_width()},
         result.concat_latent);

  if (c.on_step) result.preview.emplace(picture, result.concat_latent, s.latent_height(), s.latent_width());

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
  return result;
}

// D(x, sigma) of the conditional or, with zeros for the embedding and the latent, the unconditional branch.
class Denoising {
 public:
  Denoising(const PipelineRun& c, const VideoUNet& unet, const Settings& s, const Conditioning& conditioning)
      : c_(c),
        unet_(unet),
        latents_{s.num_frames, c.config().unet.out_channels, s.latent_height(), s.latent_width()},
        conditional_{to_tensor(c.backend(), {1, c.config().unet.context_channels}, conditioning.clip_embedding),
                     to_tensor(c.backend(), {1, c.config().unet.vector_channels}, conditioning.vector)},
        unconditional_{
            to_tensor(c.backend(), {1, c.config().unet.context_channels}, Values(conditioning.clip_embedding.size())),
            to_tensor(c.backend(), {1, c.config().unet.vector_channels}, conditioning.vector)},
        concat_latent_(conditioning.concat_latent) {}

  const Shape& latents() const { return latents_; }  // [T, 4, h, w]

  void conditional(std::span<const float> x, float sigma, std::span<float> denoised) const {
    run(x, sigma, conditional_, concat_latent_, denoised);
  }
  void unconditional(std::span<const float> x, float sigma, std::span<float> denoised) const {
    run(x, sigma, unconditional_, {}, denoised);
  }

 private:
  void run(std::span<const float> x, float sigma, const UNetConditioning& conditioning, std::span<const float> concat,
           std::span<float> denoised) const {
    const Preconditioning p = v_scaling_with_edm_c_noise(sigma);
    const size_t noisy = static_cast<size_t>(latents_.numel() / latents_[0]);  // values per frame: 4 h w
    const Shape input_shape{latents_[0], c_.config().unet.in_channels, latents_[2], latents_[3]};
    Tensor input(c_.backend().pool(), input_shape, DType::f32);  // [T, 8, h, w]
    const size_t both = static_cast<size_t>(input_shape.numel() / input_shape[0]);
    for (size_t t = 0; t < static_cast<size_t>(latents_[0]); ++t) {
      const auto frame = input.data<float>().subspan(t * both, both);
      std::ranges::transform(x.subspan(t * noisy, noisy), frame.begin(), [&](float v) { return p.c_in * v; });
      ensure(concat.empty() || concat.size() == both - noisy, "{} values of conditioning for {}", concat.size(),
             both - noisy);
      if (concat.empty()) {
        std::ranges::fill(frame.subspan(noisy), 0.0f);
      } else {
        std::ranges::copy(concat, frame.subspan(noisy).begin());
      }
    }
    const Tensor output = unet_.forward(c_.backend(), input, p.c_noise, conditioning);  // [T, 4, h, w]
    const std::span<const float> f = output.data<float>();
    for (size_t i = 0; i < x.size(); ++i) denoised[i] = p.c_skip * x[i] + p.c_out * f[i];
  }

  const PipelineRun& c_;
  const VideoUNet& unet_;
  const Shape latents_;
  const UNetConditioning conditional_, unconditional_;
  const Values& concat_latent_;  // [1, 4, h, w]
};

// A video of NaN is worth nothing, and better known of after one step than after all.
void check_finite(const Values& x, int step) {
  if (std::ranges::all_of(x, [](float v) { return std::isfinite(v); })) return;
  fail(ErrorCode::internal,
       "the latents are not finite after step {}; are the weights damaged? If precision is bf16, try f32", step);
}

Values denoise(const PipelineRun& c, const Conditioning& conditioning, const Settings& s, Generator& generator) {
  const auto unet = unet_of(c.source, c.parts);
  const Denoising denoising(c, *unet, s, conditioning);
  const Shape& shape = denoising.latents();
  Values x(static_cast<size_t>(shape.numel()));  // [T, 4, h, w]
  generator.normal(x);
  record(c, "init_noise", shape, x);
  record(c, "sigmas", {static_cast<int64_t>(s.sigmas.size())}, s.sigmas);

  bool first = true;
  Values unconditional(s.guider->needs_unconditional() ? x.size() : 0), conditional(x.size());
  Values latest(conditioning.preview ? x.size() : 0);  // the prediction of the clean latents, for the preview
  const Denoiser guided = [&](std::span<const float> noisy, float sigma, std::span<float> denoised) {
    if (s.guider->needs_unconditional()) denoising.unconditional(noisy, sigma, unconditional);
    denoising.conditional(noisy, sigma, conditional);
    if (std::exchange(first, false)) {
      record(c, "first_step_cond_denoised", shape, conditional);
      if (!unconditional.empty()) record(c, "first_step_uncond_denoised", shape, unconditional);
    }
    s.guider->combine(unconditional, conditional, denoised, s.num_frames);
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
  const auto decoder = decoder_of(c.source, c.parts);
  c.progress().begin(Phase::decoding, c.plan.whole_chunks * c.plan.decoder.cost + c.plan.last_decoder.cost);
  const int64_t channels = c.config().decoder.latent_channels;
  const size_t per_frame = latents.size() / static_cast<size_t>(s.num_frames);
  FrameOutput output(s, c.frames, c.record);
  for (int first = 0; first < s.num_frames; first += s.decoding_t) {
    const int count = std::min(s.decoding_t, s.num_frames - first);
    Values chunk(latents.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(first) * per_frame),
                 latents.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(first + count) * per_frame));
    for (float& v : chunk) v /= kLatentScale;
    const Tensor decoded = decoder->forward(
        c.backend(), to_tensor(c.backend(), {count, channels, s.latent_height(), s.latent_width()}, chunk));
    output.add(decoded.data<float>());  // [count, 3, H, W]
    c.progress().report();              // a chance to cancel after each delivery
  }
  return output.finish();
}

}  // namespace

std::vector<Image> image_to_video(const PipelineRun& c, const Image& image, const Settings& s, Generator& generator) {
  const Conditioning conditioning = condition(c, image, s, generator);
  const Values latents = denoise(c, conditioning, s, generator);  // [T, 4, h, w]
  return decode(c, latents, s);
}

}  // namespace svd
