// Convolutions over neighbouring frames on the matrix kernel (convolution_tiles.h).
#include <algorithm>

#include "backends/cpu/convolution_tiles.h"
#include "backends/cpu/panel_convolution.h"

namespace svd::cpu {
namespace {

using kernels::kStripRows;
using kernels::Strip;

constexpr int64_t kTaps = 3;

// A tile has some positions of all frames, so that each frame's neighbours are there.
int64_t positions_of_tile(int64_t frames, int64_t depth) {
  const int64_t position_bytes = frames * depth * static_cast<int64_t>(sizeof(bf16));
  const int64_t fit = std::min(kTileBytes / (position_bytes * kStripRows), kMostStrips / frames);
  return kStripRows * std::max<int64_t>(1, fit);
}

class PanelTemporalConv final : public PackedConvolution {
 public:
  PanelTemporalConv(Runtime& runtime, const RawWeight& kernel, const RawWeight& bias, float scale)
      : out_(kernel.shape[0]), bias_(padded_to_panels(to_floats(bias, scale), out_)) {
    const int64_t in = kernel.shape[1];
    const WeightLayout layout{
        .outputs = out_, .taps = kTaps, .inputs = in, .out_stride = in * kTaps, .tap_stride = 1, .in_stride = kTaps};
    panels_ = Panels(runtime.pool, runtime.threads, kernel, layout, scale);
  }

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, ConvOptions options) override {
    const TileInput input(runtime, x, options);
    PanelResult result(runtime, shape, options.residual);
    const Target target{result.residual(), result.data(), out_, out_, result.streams(out_)};
    const int64_t positions = positions_of_tile(input.frames(), input.depth());
    const int64_t tile_count = blocks(input.pixels(), positions);
    const int64_t parts = panel_parts(tile_count, panels_.count(), runtime.threads);
    runtime.threads.for_each(tile_count * parts, [&](int64_t i) {
      const kernels::MatrixSession session(runtime.bf16->matrix);
      const int64_t part = i % parts, first = i / parts * positions;
      run_tile(runtime, input, first, std::min(positions, input.pixels() - first), target,
               panels_.count() * part / parts, panels_.count() * (part + 1) / parts);
    });
    return result.take();
  }

 private:
  void run_tile(Runtime& runtime, const TileInput& input, int64_t first, int64_t count, const Target& target,
                int64_t first_panel, int64_t last_panel) const {
    const int64_t frames = input.frames(), depth = input.depth(), frame_stride = count * depth;
    const TileMemory memory(runtime, frames * frame_stride, frames * blocks(count, kStripRows));  // [T, count, depth]
    for (int64_t frame = 0; frame < frames; ++frame) {
      input.copy(frame, first, count, memory.input() + frame * frame_stride);
    }
    // The first and the last frame have one neighbour less; the kernel's sums do not know the missing tap.
    const auto run_frames = [&](int64_t begin, int64_t end, int64_t first_tap, int64_t last_tap) {
      std::vector<Strip> strips;
      std::vector<int64_t> places;
      for (int64_t frame = begin; frame < end; ++frame) {
        for (int64_t p = 0; p < count; p += kStripRows) {
          strips.push_back({memory.input() + frame * frame_stride + p * depth, std::min(kStripRows, count - p)});
          places.push_back((frame * input.pixels() + first + p) * target.row_stride);
        }
      }
      std::vector<Segment> segments;
      for (int64_t tap = first_tap; tap <= last_tap; ++tap) {
        segments.push_back({.offset = (tap - 1) * frame_stride, .row = tap * depth, .depth = depth});
      }
      multiply_strips(runtime, strips, depth, segments, panels_, first_panel, last_panel, bias_, places, target,
                      memory.sums());
    };
    if (frames == 1) {
      run_frames(0, 1, 1, 1);
    } else {
      run_frames(0, 1, 1, 2);
      run_frames(1, frames - 1, 0, 2);
      run_frames(frames - 1, frames, 0, 1);
    }
    if (target.stream) runtime.bf16->finish.end_streaming();
  }

  const int64_t out_;
  const std::vector<float> bias_;  // [panels * 64]
  Panels panels_;                  // taps: the frame before, the frame itself, the frame after
};

}  // namespace

std::unique_ptr<PackedConvolution> make_panel_temporal_conv(Runtime& runtime, const RawWeight& kernel,
                                                            const RawWeight& bias, float scale) {
  return std::make_unique<PanelTemporalConv>(runtime, kernel, bias, scale);
}

size_t panel_temporal_conv_workspace(const Shape& x, const Threads& threads) {
  const int64_t depth = padded_depth(x.back()), pixels = x.rows() / x[0];
  const int64_t positions = std::min(positions_of_tile(x[0], depth), pixels);
  const int64_t tile_count = blocks(pixels, positions);
  const int64_t parts =
      panel_parts(tile_count, blocks(x.back(), kernels::kPanelColumns), threads);  // as many outputs as inputs
  const int64_t tasks = std::min<int64_t>(threads.count(), tile_count * parts);
  return static_cast<size_t>(tasks) *
         TileMemory::bytes_of(x[0] * positions * depth, x[0] * blocks(positions, kStripRows));
}

}  // namespace svd::cpu
