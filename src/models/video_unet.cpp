#include "models/video_unet.h"

#include <fmt/format.h>

#include "diffusion/schedule.h"

namespace svd {
namespace {

constexpr float kEpsilon = 1e-5f;

}  // namespace

// The widths on the way down are a stack; on the way up each block takes the top of it beside its own input.
VideoUNet::VideoUNet(const WeightScope& w, const VideoUNetConfig& c)
    : model_channels(c.model_channels),
      time_embed_0(w.vector_linear("time_embed.0", c.model_channels, c.embedding_channels)),
      time_embed_2(w.vector_linear("time_embed.2", c.embedding_channels, c.embedding_channels)),
      label_emb_0_0(w.vector_linear("label_emb.0.0", c.vector_channels, c.embedding_channels)),
      label_emb_0_2(w.vector_linear("label_emb.0.2", c.embedding_channels, c.embedding_channels)),
      input_conv(w.conv2d("input_blocks.0.0", {.in_channels = c.in_channels, .out_channels = c.model_channels},
                          Bias::yes, WeightRole::edge)),
      middle_block_0(w / "middle_block.0", c.level_channels.back(), c.level_channels.back(), c.embedding_channels),
      middle_block_1(w / "middle_block.1", c.level_channels.back(), c.context_channels, c.transformer_depth),
      middle_block_2(w / "middle_block.2", c.level_channels.back(), c.level_channels.back(), c.embedding_channels),
      out_0(w.norm("out.0", c.model_channels, kEpsilon)),
      out_2(w.conv2d("out.2", {.in_channels = c.model_channels, .out_channels = c.out_channels}, Bias::yes,
                     WeightRole::edge)) {
  const size_t levels = c.level_channels.size();
  const auto add_transformer = [&](Block& block, const WeightScope& scope, int64_t channels) {
    block.transformer.emplace(scope / 1, channels, c.context_channels, c.transformer_depth);
  };

  int64_t width = c.model_channels;
  std::vector<int64_t> skips = {width};
  for (size_t level = 0; level < levels; ++level) {
    const int64_t channels = c.level_channels[level];
    for (int64_t i = 0; i < c.res_blocks; ++i) {
      const WeightScope scope = w / "input_blocks" / static_cast<int64_t>(input_blocks.size() + 1);
      Block& block = input_blocks.emplace_back();
      block.res.emplace(scope / 0, width, channels, c.embedding_channels);
      if (c.level_has_transformer[level]) add_transformer(block, scope, channels);
      width = channels;
      skips.push_back(width);
    }
    if (level + 1 == levels) break;
    const WeightScope scope = w / "input_blocks" / static_cast<int64_t>(input_blocks.size() + 1);
    input_blocks.emplace_back().resample =
        scope.conv2d("0.op", {.in_channels = width, .out_channels = width, .stride = 2});
    skips.push_back(width);
  }

  for (size_t level = levels; level-- > 0;) {
    const int64_t channels = c.level_channels[level];
    for (int64_t i = 0; i <= c.res_blocks; ++i) {
      const WeightScope scope = w / "output_blocks" / static_cast<int64_t>(output_blocks.size());
      Block& block = output_blocks.emplace_back();
      block.res.emplace(scope / 0, width + skips.back(), channels, c.embedding_channels);
      skips.pop_back();
      width = channels;
      if (c.level_has_transformer[level]) add_transformer(block, scope, channels);
      if (level == 0 || i < c.res_blocks) continue;
      const std::string_view module = c.level_has_transformer[level] ? "2.conv" : "1.conv";
      block.resample = scope.conv2d(module, {.in_channels = width, .out_channels = width, .upsample = true});
    }
  }
}

Tensor VideoUNet::embedding(Backend& b, float c_noise, const Tensor& vector) const {
  constexpr VectorLinearOptions silu{.activation = Activation::silu};
  const Tensor t =
      b.upload({1, model_channels}, timestep_embedding(c_noise, static_cast<int>(model_channels)));  // [1, C0]
  const Tensor time = b.vector_linear(b.vector_linear(t, time_embed_0, silu), time_embed_2);         // [1, E]
  return b.vector_linear(b.vector_linear(vector, label_emb_0_0, silu), label_emb_0_2,
                         {.residual = &time, .activation = Activation::silu});  // [1, E]
}

Tensor VideoUNet::forward(Backend& b, const Tensor& x, float c_noise, const UNetConditioning& conditioning,
                          const ModuleObserver& observe) const {
  const Tensor emb = embedding(b, c_noise, conditioning.vector);  // [1, E], the SiLU of it
  const auto show = [&](const std::string& module, const Tensor& output) {
    if (observe) observe(module, output);
  };
  const auto run = [&](const Block& block, const std::string& name, const Tensor& input) {
    if (!block.res) return b.conv2d(input, *block.resample);
    Tensor h = block.res->forward(b, input, emb);  // [T, h, w, C]
    show(name + ".0", h);
    if (block.transformer) h = block.transformer->forward(b, h, conditioning.context, conditioning.first_frame);
    if (block.resample) h = b.conv2d(h, *block.resample);
    return h;
  };

  std::vector<Tensor> skips;  // [T, h, w, C] of each input block
  skips.push_back(b.conv2d(b.to_channels_last(x), input_conv));
  show("input_blocks.0", skips.back());
  for (size_t i = 0; i < input_blocks.size(); ++i) {
    const std::string name = fmt::format("input_blocks.{}", i + 1);
    skips.push_back(run(input_blocks[i], name, skips.back()));
    show(name, skips.back());
  }

  Tensor h = middle_block_0.forward(b, skips.back(), emb);
  h = middle_block_1.forward(b, h, conditioning.context, conditioning.first_frame);
  h = middle_block_2.forward(b, h, emb);
  show("middle_block", h);

  for (size_t i = 0; i < output_blocks.size(); ++i) {
    const std::string name = fmt::format("output_blocks.{}", i);
    h = b.concat_channels(h, skips.back());
    skips.pop_back();
    h = run(output_blocks[i], name, h);
    show(name, h);
  }
  return b.to_planar(b.conv2d(h, out_2, {.norm = &out_0, .norm_options = {.activation = Activation::silu}}));
}

}  // namespace svd
