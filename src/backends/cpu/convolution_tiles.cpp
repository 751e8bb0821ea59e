#include "backends/cpu/convolution_tiles.h"

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"

namespace svd::cpu {

using kernels::Finish;
using kernels::kPanelColumns;
using kernels::Strip;

void multiply_strips(const Runtime& runtime, std::span<const Strip> strips, int64_t row_stride,
                     std::span<const Segment> segments, const Panels& panels, int64_t first_panel, int64_t last_panel,
                     const std::vector<float>& bias, std::span<const int64_t> places, const Target& target,
                     float* sums) {
  if (strips.empty()) return;
  for (int64_t panel = first_panel; panel < last_panel; ++panel) {
    const int64_t column = panel * kPanelColumns;
    const Finish finish{.columns = std::min(kPanelColumns, target.columns - column),
                        .bias = bias.data() + column,
                        .stream = target.stream};
    multiply_panel(runtime.bf16->matrix, strips, row_stride, segments, panels.panel(panel), sums,
                   [&](size_t strip, const float* strip_sums) {
                     const int64_t at = places[strip] + column;
                     runtime.bf16->finish.strip(strip_sums, strips[strip].count, finish,
                                                target.residual ? target.residual + at : nullptr, nullptr,
                                                target.row_stride, target.y + at);
                   });
  }
}

TileInput::TileInput(const Runtime& runtime, const Tensor& x, const ConvOptions& options)
    : x_(x.data<bf16>().data()),
      frames_(x.shape()[0]),
      pixels_(x.shape().rows() / x.shape()[0]),
      channels_(x.shape().back()),
      depth_(padded_depth(channels_)),
      silu_(options.norm_options.activation == Activation::silu) {
  if (options.norm) affine_ = group_norm_affine(runtime, x, *options.norm, options.norm_options);
}

void TileInput::copy(int64_t frame, int64_t pixel, int64_t count, bf16* target) const {
  const bf16* source = x_ + (frame * pixels_ + pixel) * channels_;
  if (channels_ == depth_) return copy_rows(frame, source, count, target);
  for (int64_t i = 0; i < count; ++i) {
    copy_rows(frame, source + i * channels_, 1, target + i * depth_);
    std::fill_n(target + i * depth_ + channels_, depth_ - channels_, bf16{});
  }
}

void TileInput::zero(int64_t count, bf16* target) const { std::fill_n(target, count * depth_, bf16{}); }

void TileInput::copy_rows(int64_t frame, const bf16* source, int64_t count, bf16* target) const {
  if (affine_.empty()) {
    std::copy_n(source, count * channels_, target);
    return;
  }
  const ChannelAffine& a = affine_[static_cast<size_t>(frame)];
  kernels::normalise(source, count, channels_, a.mean.data(), a.scale.data(), a.offset.data(), silu_, target);
}

}  // namespace svd::cpu
