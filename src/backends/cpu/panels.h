// Weights packed for the matrix kernel (kernels/matrix.h), and the loops around it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "backends/cpu/kernels/matrix.h"
#include "backends/cpu/operations.h"

namespace svd::cpu {

// Where the elements of a weight lie: element (output o, tap t, input i) at o * out_stride + t * tap_stride + i *
// in_stride. A plain matrix [out, in] has one tap.
struct WeightLayout {
  int64_t outputs = 0, taps = 1, inputs = 0;
  int64_t out_stride = 0, tap_stride = 0, in_stride = 1;
};

inline int64_t padded_depth(int64_t inputs) { return blocks(inputs, kernels::kDepthUnit) * kernels::kDepthUnit; }

// A matrix [columns, taps * padded inputs] as panels of 64 columns: [panel][depth / 2][64][2] in bfloat16. What is
// beyond the last column and beyond a tap's inputs is zero.
class Panels {
 public:
  Panels() = default;
  // Column c of the panels holds the output source_row(c), or nothing for -1. Throws Error(out_of_memory).
  Panels(BufferPool& pool, const Threads& threads, const RawWeight& weight, const WeightLayout& layout, float scale,
         int64_t columns, const std::function<int64_t(int64_t column)>& source_row);
  // One column per output.
  Panels(BufferPool& pool, const Threads& threads, const RawWeight& weight, const WeightLayout& layout,
         float scale = 1.0f);

  // What the panels of so many columns and a depth of `taps` times padded inputs take.
  static size_t bytes_of(int64_t columns, int64_t inputs, int64_t taps = 1) {
    return static_cast<size_t>(blocks(columns, kernels::kPanelColumns) * kernels::kPanelColumns * taps *
                               padded_depth(inputs)) *
           sizeof(bf16);
  }

  int64_t count() const { return count_; }
  int64_t depth() const { return depth_; }  // taps * padded inputs
  int64_t bytes() const { return count_ * depth_ * kernels::kPanelColumns * static_cast<int64_t>(sizeof(bf16)); }
  const bf16* panel(int64_t i) const { return data() + i * depth_ * kernels::kPanelColumns; }

 private:
  bf16* data() const { return reinterpret_cast<bf16*>(buffer_.data()); }
  int64_t count_ = 0, depth_ = 0;
  Buffer buffer_;
};

// A part of a product's depth: elements from `offset` (relative to a strip) of the left matrix meet the panels' rows
// from `row` on.
struct Segment {
  int64_t offset = 0, row = 0, depth = 0;
};

// Computes the sums of one panel for all strips and hands them on: finish(strip's number, sums [16][64]), in order.
// When the whole depth fits the kernel's block, a strip's sums go from the kernel to finish() through the first-level
// cache. Otherwise it goes depth block by depth block, so that each block of the panel is read from memory once and
// from the cache by every strip, and the sums of all strips wait in between. sums: memory for sums_of(strips.size())
// floats, 64-byte aligned.
template <typename FinishStrip>
void multiply_panel(const kernels::MatrixKernel& kernel, std::span<const kernels::Strip> strips, int64_t row_stride,
                    std::span<const Segment> segments, const bf16* panel, float* sums, const FinishStrip& finish);

constexpr size_t sums_of(size_t strips) { return strips * static_cast<size_t>(kernels::kStripSums); }

// Cuts `rows` rows from `first` on into strips.
void append_strips(const bf16* first, int64_t rows, int64_t row_stride, std::vector<kernels::Strip>& strips);

// Into how many ranges of panels to split each of `tiles` tasks, so that there are enough of them for the threads to
// end at about the same time.
int64_t panel_parts(int64_t tiles, int64_t panels, const Threads& threads);

// Whether a result will not be in the caches any more when it is read: then it is written past them (Finish::stream),
// which saves reading its lines first.
bool worth_streaming(const Shape& result, int64_t columns);

// A bias for all columns of the panels: zero where there is no output.
std::vector<float> padded_to_panels(std::vector<float> bias, int64_t outputs);

inline bf16* halves(const Buffer& buffer) { return reinterpret_cast<bf16*>(buffer.data()); }

// The memory of a result with an optional residual: the residual's own where that may be used up.
class PanelResult {
 public:
  PanelResult(Runtime& runtime, const Shape& shape, Operand& residual)
      : separate_(residual && !residual.owns() ? residual.get().data<bf16>().data() : nullptr),
        in_place_(residual.owns()),
        tensor_(result_tensor(runtime, shape, residual)) {}

  bf16* data() { return tensor_.data<bf16>().data(); }
  const bf16* residual() { return in_place_ ? data() : separate_; }  // null for none
  // Not where its lines are read anyway.
  bool streams(int64_t columns) const { return !in_place_ && worth_streaming(tensor_.shape(), columns); }
  Tensor take() { return std::move(tensor_); }

 private:
  const bf16* separate_;
  bool in_place_;
  Tensor tensor_;
};

// ---- Implementation

// The pieces of a product in the order of its depth, in groups that fit the kernel's block.
class DepthBlocks {
 public:
  DepthBlocks(std::span<const Segment> segments, const bf16* panel, int64_t depth_block);
  size_t count() const { return ends_.size(); }
  std::span<const kernels::Piece> operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::span(pieces_).subspan(begin, ends_[i] - begin);
  }

 private:
  std::vector<kernels::Piece> pieces_;
  std::vector<size_t> ends_;
};

template <typename FinishStrip>
void multiply_panel(const kernels::MatrixKernel& kernel, std::span<const kernels::Strip> strips, int64_t row_stride,
                    std::span<const Segment> segments, const bf16* panel, float* sums, const FinishStrip& finish) {
  const DepthBlocks depth_blocks(segments, panel, kernel.depth_block);
  const auto accumulate = [&](std::span<const kernels::Strip> some, size_t block) {
    kernel.accumulate(some.data(), static_cast<int64_t>(some.size()), row_stride, depth_blocks[block].data(),
                      static_cast<int64_t>(depth_blocks[block].size()), block > 0, sums);
  };
  constexpr size_t kTogether = 2;  // AMX multiplies two strips at a time
  const size_t group = depth_blocks.count() == 1 ? kTogether : strips.size();
  for (size_t first = 0; first < strips.size(); first += group) {
    const auto some = strips.subspan(first, std::min(group, strips.size() - first));
    for (size_t block = 0; block < depth_blocks.count(); ++block) accumulate(some, block);
    for (size_t i = 0; i < some.size(); ++i) finish(first + i, sums + i * static_cast<size_t>(kernels::kStripSums));
  }
}

}  // namespace svd::cpu
