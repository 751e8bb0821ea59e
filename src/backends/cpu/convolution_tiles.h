// What convolutions on the matrix kernel share: the input of a tile, and the products that make its output.
//
// A convolution is a sum of products, one for each tap of its kernel: the left matrix of a tap is the input moved by a
// few pixels, which in channels-last memory is the same memory from another offset on. So no patches are ever gathered.
//
// The output is worked on in tiles, one thread each. A tile first makes its own copy of the input it needs, normalised
// (GroupNorm, SiLU), with zeros where the image ends and a margin of neighbouring pixels: the normalised input never
// reaches memory as a whole. The margin is computed twice, about a quarter more of a hundredth of the work.
#pragma once

#include <span>
#include <vector>

#include "backends/cpu/group_norm.h"
#include "backends/cpu/panels.h"

namespace svd::cpu {

// The copy of a tile's input shares the second-level cache with a block of the panel (160 KiB): chosen for 1 MiB, as
// CPUs with bfloat16 have; of a smaller cache's misses the third level takes care.
inline constexpr int64_t kTileBytes = int64_t{768} << 10;
inline constexpr int64_t kMostStrips = 32;  // of a tile: their sums take 128 KiB

// Where the results of a tile go, and what is added to them.
struct Target {
  const bf16* residual;  // null for none; may be y
  bf16* y;
  int64_t columns;     // output channels
  int64_t row_stride;  // elements from one pixel of a strip to the next
  bool stream;
};

// All panels of one product: strips x panels + bias (+ residual); the results of strip s start at `places[s]`.
void multiply_strips(const Runtime& runtime, std::span<const kernels::Strip> strips, int64_t row_stride,
                     std::span<const Segment> segments, const Panels& panels, int64_t first_panel, int64_t last_panel,
                     const std::vector<float>& bias, std::span<const int64_t> places, const Target& target,
                     float* sums);

// The convolution's input for its tiles: pixels of x, normalised where asked, padded to whole steps of depth.
class TileInput {
 public:
  TileInput(const Runtime& runtime, const Tensor& x, const ConvOptions& options);

  int64_t frames() const { return frames_; }
  int64_t pixels() const { return pixels_; }  // of a frame
  int64_t depth() const { return depth_; }

  // `count` pixels of a frame from `pixel` on to target [count, depth].
  void copy(int64_t frame, int64_t pixel, int64_t count, bf16* target) const;
  void zero(int64_t count, bf16* target) const;

 private:
  void copy_rows(int64_t frame, const bf16* source, int64_t count, bf16* target) const;

  const bf16* const x_;
  const int64_t frames_, pixels_, channels_, depth_;
  const bool silu_;
  std::vector<ChannelAffine> affine_;  // one per frame, or none
};

// The memory that one task works in: `elements` of its input and the sums of `strips` strips.
class TileMemory {
 public:
  TileMemory(Runtime& runtime, int64_t elements, int64_t strips)
      : input_bytes_(bytes_of_input(elements)), buffer_(runtime.pool.allocate(bytes_of(elements, strips))) {}

  static size_t bytes_of(int64_t elements, int64_t strips) {
    return bytes_of_input(elements) + sums_of(static_cast<size_t>(strips)) * sizeof(float);
  }

  bf16* input() const { return halves(buffer_); }
  float* sums() const { return reinterpret_cast<float*>(buffer_.data() + input_bytes_); }

 private:
  static size_t bytes_of_input(int64_t elements) {  // whole cache lines
    return static_cast<size_t>(blocks(elements, 32) * 32) * sizeof(bf16);
  }
  size_t input_bytes_;
  Buffer buffer_;
};

}  // namespace svd::cpu
