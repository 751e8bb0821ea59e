// A convolution is a sum of products, one for each tap of its kernel: the left matrix of a tap is the input moved by a
// few pixels, which in channels-last memory is the same memory from another offset on. So no patches are ever gathered.
//
// The output is worked on in tiles, one thread each. A tile first makes its own copy of the input it needs, normalised
// (GroupNorm, SiLU), with zeros where the picture ends and a margin of neighbouring pixels: the normalised input never
// reaches memory as a whole. The margin is computed twice, about a quarter more of a hundredth of the work.
#include "backends/cpu/panel_convolution.h"

#include <algorithm>
#include <array>

#include "backends/cpu/group_norm.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/panels.h"
#include "base/fail.h"

namespace svd::cpu {
namespace {

using kernels::Finish;
using kernels::kPanelColumns;
using kernels::kStripRows;
using kernels::Strip;

// The copy of a tile's input shares the second-level cache with a block of the panel (160 KiB): chosen for 1 MiB, as
// CPUs with bfloat16 have; of a smaller cache's misses the third level takes care.
constexpr int64_t kTileBytes = int64_t{768} << 10;
constexpr int64_t kMostStrips = 32;  // of a tile: their sums take 128 KiB
// Small pictures come with large weights; then a tile has whole frames, so that the weights are read less often.
constexpr int64_t kMostStripsOfFrames = 128;
constexpr int64_t kTileColumns = 64;

// Where the results of a tile go, and what is added to them.
struct Target {
  const bf16* residual;  // null for none; may be y
  bf16* y;
  int64_t columns;     // output channels
  int64_t row_stride;  // elements from one pixel of a strip to the next
  bool stream;
};

// All panels of one product: strips x panels + bias (+ residual); the results of strip s start at `places[s]`.
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

// The convolution's input for its tiles: pixels of x, normalised where asked, padded to whole steps of depth.
class Input {
 public:
  Input(const Runtime& runtime, const Tensor& x, const ConvOptions& options)
      : x_(x.data<bf16>().data()),
        frames_(x.shape()[0]),
        pixels_(x.shape().rows() / x.shape()[0]),
        channels_(x.shape().back()),
        depth_(padded_depth(channels_)),
        silu_(options.norm_options.activation == Activation::silu) {
    if (options.norm) affine_ = group_norm_affine(runtime, x, *options.norm, options.norm_options);
  }

  int64_t frames() const { return frames_; }
  int64_t pixels() const { return pixels_; }  // of a frame
  int64_t depth() const { return depth_; }

  // `count` pixels of a frame from `pixel` on to target [count, depth].
  void copy(int64_t frame, int64_t pixel, int64_t count, bf16* target) const {
    const bf16* source = x_ + (frame * pixels_ + pixel) * channels_;
    if (channels_ == depth_) return copy_rows(frame, source, count, target);
    for (int64_t i = 0; i < count; ++i) {
      copy_rows(frame, source + i * channels_, 1, target + i * depth_);
      std::fill_n(target + i * depth_ + channels_, depth_ - channels_, bf16{});
    }
  }

  void zero(int64_t count, bf16* target) const { std::fill_n(target, count * depth_, bf16{}); }

 private:
  void copy_rows(int64_t frame, const bf16* source, int64_t count, bf16* target) const {
    if (affine_.empty()) {
      std::copy_n(source, count * channels_, target);
      return;
    }
    const ChannelAffine& a = affine_[static_cast<size_t>(frame)];
    kernels::normalise(source, count, channels_, a.mean.data(), a.scale.data(), a.offset.data(), silu_, target);
  }

  const bf16* const x_;
  const int64_t frames_, pixels_, channels_, depth_;
  const bool silu_;
  std::vector<ChannelAffine> affine_;  // one per frame, or none
};

struct Memory {  // of one task
  Memory(Runtime& runtime, int64_t elements, int64_t strips)
      : input_bytes(static_cast<size_t>(blocks(elements, 32) * 32) * sizeof(bf16)),
        buffer(runtime.pool.allocate(input_bytes + sums_of(static_cast<size_t>(strips)) * sizeof(float))) {}
  bf16* input() const { return reinterpret_cast<bf16*>(buffer.data()); }
  float* sums() const { return reinterpret_cast<float*>(buffer.data() + input_bytes); }

  size_t input_bytes;
  Buffer buffer;
};

// ---- Over the picture

// A place in a kernel, or in a doubled pixel.
struct Tap {
  int64_t row, column;
};

// Two of the three taps of a kernel over a doubled picture meet the same pixel: each output pixel is a product of 2 x 2
// pixels of the small picture with sums of the kernel's weights, one set for each of the four positions in a doubled
// pixel. That is the same convolution with 4/9 of the multiplications. Along one axis, position 0 meets the pixel
// before (weight 0) and its own (1 + 2), position 1 its own (0 + 1) and the one after (2).
std::vector<float> folded(const RawWeight& kernel, int64_t row_position, int64_t column_position) {
  const std::vector<float> w = widened(&kernel);  // [out, in, 3, 3]
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

class PanelConv2d final : public PackedConvolution {
 public:
  PanelConv2d(Runtime& runtime, const Conv2dSpec& spec, const RawWeight& kernel, const RawWeight* bias)
      : spec_(spec), zoom_(spec.upsample ? 2 : 1), bias_(padded_to_panels(widened(bias), spec.out_channels)) {
    if (!spec.upsample) {
      add_subkernel(runtime, kernel, {0, 0}, spec.kernel);
      return;
    }
    ensure(spec.kernel == 3 && spec.stride == 1 && spec.pad_before == 1 && spec.pad_after == 1,
           "conv2d: expected a padded 3x3 kernel behind the doubling of the picture");
    for (const Tap position : {Tap{0, 0}, Tap{0, 1}, Tap{1, 0}, Tap{1, 1}}) {
      const std::vector<float> sums = folded(kernel, position.row, position.column);
      const RawWeight weight{
          {spec.out_channels, spec.in_channels, 2, 2}, DType::f32, reinterpret_cast<const std::byte*>(sums.data())};
      add_subkernel(runtime, weight, position, 2);
    }
  }

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, ConvOptions options) override {
    const Input input(runtime, x, options);
    PanelResult result(runtime, shape, options.residual);
    const Grid grid{
        .in_height = x.shape()[1], .in_width = x.shape()[2], .height = shape[1] / zoom_, .width = shape[2] / zoom_};
    const Target target{result.residual(), result.data(), spec_.out_channels, zoom_ * spec_.out_channels,
                        result.streams(spec_.out_channels)};
    const Tiling tiling = tiles(grid, input.frames(), input.depth());
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
  // The products that make one pixel of the output; four of them where the picture is doubled, each for every other
  // pixel of every other row.
  struct Subkernel {
    Tap position;
    std::vector<Tap> taps;
    Panels panels;
  };
  struct Grid {
    int64_t in_height, in_width, height, width;  // of a frame of the input, and of the output of one subkernel
  };
  struct Tiling {
    int64_t rows, columns;                  // tiles in a frame
    int64_t frames, tile_rows, tile_width;  // frames and output pixels of a tile, at most
  };

  int64_t spanned(int64_t outputs) const { return (outputs - 1) * spec_.stride + spec_.kernel; }

  Tiling tiles(const Grid& g, int64_t frames, int64_t depth) const {
    const int64_t width = blocks(g.width, blocks(g.width, kTileColumns));
    const int64_t strips_in_row = blocks(width, kStripRows), strips_in_frame = g.height * strips_in_row;
    if (width == g.width && strips_in_frame <= kMostStrips) {
      return {1, 1, std::clamp<int64_t>(kMostStripsOfFrames / strips_in_frame, 1, frames), g.height, width};
    }
    int64_t rows = std::min(g.height, std::max<int64_t>(1, kMostStrips / strips_in_row));
    const int64_t row_bytes = spanned(width) * depth * static_cast<int64_t>(sizeof(bf16));
    while (rows > 1 && spanned(rows) * row_bytes > kTileBytes) --rows;
    rows = blocks(g.height, blocks(g.height, rows));
    return {blocks(g.height, rows), blocks(g.width, width), 1, rows, width};
  }

  void run_tile(Runtime& runtime, const Input& input, const Grid& g, const Tiling& t, int64_t tile,
                const Target& target, int64_t first_panel, int64_t last_panel) const {
    const int64_t first_frame = tile / (t.rows * t.columns) * t.frames, in_frame = tile % (t.rows * t.columns);
    const int64_t frames = std::min(t.frames, input.frames() - first_frame);
    const int64_t row = in_frame / t.columns * t.tile_rows, column = in_frame % t.columns * t.tile_width;
    const int64_t rows = std::min(t.tile_rows, g.height - row), width = std::min(t.tile_width, g.width - column);
    const int64_t in_rows = spanned(rows), in_width = spanned(width), depth = input.depth();
    const int64_t in_frame_stride = in_rows * in_width * depth;
    const Memory memory(runtime, frames * in_frame_stride, frames * rows * blocks(width, kStripRows));
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
  static void copy_input(const Input& input, const Grid& g, int64_t frame, int64_t row, int64_t column, int64_t in_rows,
                         int64_t in_width, bf16* target) {
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

// ---- Over neighbouring frames

constexpr int64_t kTaps = 3;

class PanelTemporalConv final : public PackedConvolution {
 public:
  PanelTemporalConv(Runtime& runtime, const RawWeight& kernel, const RawWeight& bias, float scale)
      : out_(kernel.shape[0]), bias_(padded_to_panels(widened(&bias, scale), out_)) {
    const int64_t in = kernel.shape[1];
    const WeightLayout layout{
        .outputs = out_, .taps = kTaps, .inputs = in, .out_stride = in * kTaps, .tap_stride = 1, .in_stride = kTaps};
    panels_ = Panels(runtime.pool, runtime.threads, kernel, layout, scale);
  }

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, ConvOptions options) override {
    const Input input(runtime, x, options);
    PanelResult result(runtime, shape, options.residual);
    const Target target{result.residual(), result.data(), out_, out_, result.streams(out_)};
    // A tile has some positions of all frames, so that each frame's neighbours are there.
    const int64_t position_bytes = input.frames() * input.depth() * static_cast<int64_t>(sizeof(bf16));
    const int64_t fit = std::min(kTileBytes / (position_bytes * kStripRows), kMostStrips / input.frames());
    const int64_t positions = kStripRows * std::max<int64_t>(1, fit);
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
  void run_tile(Runtime& runtime, const Input& input, int64_t first, int64_t count, const Target& target,
                int64_t first_panel, int64_t last_panel) const {
    const int64_t frames = input.frames(), depth = input.depth(), frame_stride = count * depth;
    const Memory memory(runtime, frames * frame_stride, frames * blocks(count, kStripRows));  // [T, count, depth]
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

std::unique_ptr<PackedConvolution> make_panel_conv2d(Runtime& runtime, const Conv2dSpec& spec, const RawWeight& kernel,
                                                     const RawWeight* bias) {
  return std::make_unique<PanelConv2d>(runtime, spec, kernel, bias);
}

std::unique_ptr<PackedConvolution> make_panel_temporal_conv(Runtime& runtime, const RawWeight& kernel,
                                                            const RawWeight& bias, float scale) {
  return std::make_unique<PanelTemporalConv>(runtime, kernel, bias, scale);
}

}  // namespace svd::cpu
