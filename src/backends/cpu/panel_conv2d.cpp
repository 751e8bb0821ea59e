// Convolutions over the image on the matrix kernel (convolution_tiles.h).
#include <algorithm>

#include "backends/cpu/convolution_tiles.h"
#include "backends/cpu/panel_convolution.h"
#include "base/fail.h"

namespace svd::cpu {
namespace {

using kernels::kStripRows;
using kernels::Strip;

// Small images come with large weights; then a tile has whole frames, so that the weights are read less often.
constexpr int64_t kMostStripsOfFrames = 128;
constexpr int64_t kTileColumns = 64;

// A place in a kernel, or in a doubled pixel.
struct Tap {
  int64_t row, column;
};

// Two of the three taps of a kernel over a doubled image meet the same pixel: each output pixel is a product of 2 x 2
// pixels of the small image with sums of the kernel's weights, one set for each of the four positions in a doubled
// pixel. That is the same convolution with 4/9 of the multiplications. Along one axis, position 0 meets the pixel
// before (weight 0) and its own (1 + 2), position 1 its own (0 + 1) and the one after (2).
std::vector<float> folded(const RawWeight& kernel, int64_t row_position, int64_t column_position) {
  const std::vector<float> w = to_floats(kernel);  // [out, in, 3, 3]
  const auto place = [](int64_t position, int64_t tap) { return (tap + 1 - position) / 2; };
  const int64_t matrices = kernel.shape[0] * kernel.shape[1];
  std::vector<float> sums(static_cast<size_t>(matrices * 4));  // [out, in, 2, 2]
  for (int64_t m = 0; m < matrices; ++m) {
    for (int64_t tap = 0; tap < 9; ++tap) {
      const int64_t row = place(row_position, tap / 3), column = place(column_position, tap % 3);
      sums[static_cast<size_t>(m * 4 + row * 2 + column)] += w[static_cast<size_t>(m * 9 + tap)];
    }
  }
  return sums;
}

// Pixels of a frame of the input, and of the output of one subkernel.
struct Grid {
  Grid(const Shape& x, const Shape& result, int64_t zoom)
      : in_height(x[1]), in_width(x[2]), height(result[1] / zoom), width(result[2] / zoom) {}
  int64_t in_height, in_width, height, width;
};

struct Tiling {
  int64_t rows, columns;                  // tiles in a frame
  int64_t frames, tile_rows, tile_width;  // frames and output pixels of a tile, at most
};

// Input pixels under so many output pixels side by side.
int64_t spanned(const Conv2dSpec& s, int64_t outputs) { return (outputs - 1) * s.stride + s.kernel; }

Tiling tiles(const Conv2dSpec& s, const Grid& g, int64_t frames, int64_t depth) {
  const int64_t width = blocks(g.width, blocks(g.width, kTileColumns));
  const int64_t strips_in_row = blocks(width, kStripRows), strips_in_frame = g.height * strips_in_row;
  if (width == g.width && strips_in_frame <= kMostStrips) {
    return {1, 1, std::clamp<int64_t>(kMostStripsOfFrames / strips_in_frame, 1, frames), g.height, width};
  }
  int64_t rows = std::min(g.height, std::max<int64_t>(1, kMostStrips / strips_in_row));
  const int64_t row_bytes = spanned(s, width) * depth * static_cast<int64_t>(sizeof(bf16));
  while (rows > 1 && spanned(s, rows) * row_bytes > kTileBytes) --rows;
  rows = blocks(g.height, blocks(g.height, rows));
  return {blocks(g.height, rows), blocks(g.width, width), 1, rows, width};
}

class PanelConv2d final : public PackedConvolution {
 public:
  PanelConv2d(Runtime& runtime, const Conv2dSpec& spec, const RawWeight& kernel, const RawWeight* bias)
      : spec_(spec), zoom_(spec.upsample ? 2 : 1), bias_(padded_to_panels(bias_values(bias), spec.out_channels)) {
    if (!spec.upsample) {
      add_subkernel(runtime, kernel, {0, 0}, spec.kernel);
      return;
    }
    ensure(spec.kernel == 3 && spec.stride == 1 && spec.pad_before == 1 && spec.pad_after == 1,
           "conv2d: expected a padded 3x3 kernel behind the doubling of the image");
    for (const Tap position : {Tap{0, 0}, Tap{0, 1}, Tap{1, 0}, Tap{1, 1}}) {
      const std::vector<float> sums = folded(kernel, position.row, position.column);
      const RawWeight weight{
          {spec.out_channels, spec.in_channels, 2, 2}, DType::f32, reinterpret_cast<const std::byte*>(sums.data())};
      add_subkernel(runtime, weight, position, 2);
    }
  }

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, ConvOptions options) override {
    const TileInput input(runtime, x, options);
    PanelResult result(runtime, shape, options.residual);
    const Grid grid(x.shape(), shape, zoom_);
    const Target target{result.residual(), result.data(), spec_.out_channels, zoom_ * spec_.out_channels,
                        result.streams(spec_.out_channels)};
    const Tiling tiling = tiles(spec_, grid, input.frames(), input.depth());
    const int64_t tile_count = blocks(input.frames(), tiling.frames) * tiling.rows * tiling.columns;
    const int64_t panels = subkernels_[0].panels.count(), parts = panel_parts(tile_count, panels, runtime.threads);
    runtime.threads.for_each(tile_count * parts, [&](int64_t i) {
      const kernels::MatrixSession session(runtime.bf16->matrix);
      const int64_t part = i % parts, tile = i / parts;
      run_tile(runtime, input, grid, tiling, tile, target, panels * part / parts, panels * (part + 1) / parts);
    });
    return result.take();
  }

 private:
  // The products that make one pixel of the output; four of them where the image is doubled, each for every other
  // pixel of every other row.
  struct Subkernel {
    Tap position;
    std::vector<Tap> taps;
    Panels panels;
  };

  void run_tile(Runtime& runtime, const TileInput& input, const Grid& g, const Tiling& t, int64_t tile,
                const Target& target, int64_t first_panel, int64_t last_panel) const {
    const int64_t first_frame = tile / (t.rows * t.columns) * t.frames, in_frame = tile % (t.rows * t.columns);
    const int64_t frames = std::min(t.frames, input.frames() - first_frame);
    const int64_t row = in_frame / t.columns * t.tile_rows, column = in_frame % t.columns * t.tile_width;
    const int64_t rows = std::min(t.tile_rows, g.height - row), width = std::min(t.tile_width, g.width - column);
    const int64_t in_rows = spanned(spec_, rows), in_width = spanned(spec_, width), depth = input.depth();
    const int64_t in_frame_stride = in_rows * in_width * depth;
    const TileMemory memory(runtime, frames * in_frame_stride, frames * rows * blocks(width, kStripRows));
    for (int64_t frame = 0; frame < frames; ++frame) {
      copy_input(input, g, first_frame + frame, row * spec_.stride - spec_.pad_before,
                 column * spec_.stride - spec_.pad_before, in_rows, in_width, memory.input() + frame * in_frame_stride);
    }

    std::vector<Strip> strips;
    std::vector<int64_t> places;
    std::vector<Segment> segments;
    for (const Subkernel& kernel : subkernels_) {
      strips.clear();
      places.clear();
      for (int64_t i = 0; i < frames * rows; ++i) {
        const int64_t frame = i / rows, r = i % rows;
        const bf16* in_row = memory.input() + frame * in_frame_stride + r * spec_.stride * in_width * depth;
        const int64_t y_row = zoom_ * ((first_frame + frame) * g.height + row + r) + kernel.position.row;
        for (int64_t c = 0; c < width; c += kStripRows) {
          strips.push_back({in_row + c * spec_.stride * depth, std::min(kStripRows, width - c)});
          const int64_t y_column = zoom_ * (column + c) + kernel.position.column;
          places.push_back((y_row * zoom_ * g.width + y_column) * spec_.out_channels);
        }
      }
      segments.clear();
      for (size_t tap = 0; tap < kernel.taps.size(); ++tap) {
        segments.push_back({.offset = (kernel.taps[tap].row * in_width + kernel.taps[tap].column) * depth,
                            .row = static_cast<int64_t>(tap) * depth,
                            .depth = depth});
      }
      multiply_strips(runtime, strips, spec_.stride * depth, segments, kernel.panels, first_panel, last_panel, bias_,
                      places, target, memory.sums());
    }
    if (target.stream) runtime.bf16->finish.end_streaming();
  }

  // in_rows x in_width pixels from (row, column) on, which may lie outside.
  static void copy_input(const TileInput& input, const Grid& g, int64_t frame, int64_t row, int64_t column,
                         int64_t in_rows, int64_t in_width, bf16* target) {
    const int64_t depth = input.depth();
    const int64_t first = std::clamp<int64_t>(-column, 0, in_width);
    const int64_t last = std::clamp<int64_t>(g.in_width - column, first, in_width);
    for (int64_t r = row; r < row + in_rows; ++r, target += in_width * depth) {
      if (r < 0 || r >= g.in_height) {
        input.zero(in_width, target);
        continue;
      }
      input.zero(first, target);
      input.copy(frame, r * g.in_width + column + first, last - first, target + first * depth);
      input.zero(in_width - last, target + last * depth);
    }
  }

  // `size` x `size` taps, the first at the subkernel's position.
  void add_subkernel(Runtime& runtime, const RawWeight& kernel, Tap position, int64_t size) {
    const WeightLayout layout{.outputs = spec_.out_channels,
                              .taps = size * size,
                              .inputs = spec_.in_channels,
                              .out_stride = spec_.in_channels * size * size,
                              .tap_stride = 1,
                              .in_stride = size * size};
    Subkernel& subkernel = subkernels_.emplace_back();
    subkernel.position = position;
    for (int64_t row = 0; row < size; ++row) {
      for (int64_t column = 0; column < size; ++column) {
        subkernel.taps.push_back({position.row + row, position.column + column});
      }
    }
    subkernel.panels = Panels(runtime.pool, runtime.threads, kernel, layout);
  }

  const Conv2dSpec spec_;
  const int64_t zoom_;             // of the output against the input
  const std::vector<float> bias_;  // [panels * 64]
  std::vector<Subkernel> subkernels_;
};

}  // namespace

std::unique_ptr<PackedConvolution> make_panel_conv2d(Runtime& runtime, const Conv2dSpec& spec, const RawWeight& kernel,
                                                     const RawWeight* bias) {
  return std::make_unique<PanelConv2d>(runtime, spec, kernel, bias);
}

size_t panel_conv2d_weights(const Conv2dSpec& s) {
  if (!s.upsample) return Panels::bytes_of(s.out_channels, s.in_channels, s.kernel * s.kernel);
  return 4 * Panels::bytes_of(s.out_channels, s.in_channels, 4);  // four subkernels of 2 x 2
}

size_t panel_conv2d_workspace(const Shape& x, const Conv2dSpec& s, const Threads& threads) {
  const int64_t grown = s.pad_before + s.pad_after - s.kernel;
  const Shape result{x[0], (x[1] + grown) / s.stride + 1, (x[2] + grown) / s.stride + 1, s.out_channels};
  const Grid grid(x, result, 1);  // of a doubled image: of one subkernel
  const int64_t depth = padded_depth(x.back());
  const Tiling t = tiles(s, grid, x[0], depth);
  const int64_t elements = t.frames * spanned(s, t.tile_rows) * spanned(s, t.tile_width) * depth;
  const int64_t tile_count = blocks(x[0], t.frames) * t.rows * t.columns;
  const int64_t parts = panel_parts(tile_count, blocks(s.out_channels, kernels::kPanelColumns), threads);
  const int64_t tasks = std::min<int64_t>(threads.count(), tile_count * parts);
  return static_cast<size_t>(tasks) *
         TileMemory::bytes_of(elements, t.frames * t.tile_rows * blocks(t.tile_width, kStripRows));
}

}  // namespace svd::cpu
