#include "backends/cpu/panels.h"

#include <algorithm>
#include <array>

namespace svd::cpu {

using kernels::kPanelColumns;
using kernels::Piece;
using kernels::Strip;

namespace {

bf16 packed_value(bf16 v, float scale) { return scale == 1.0f ? v : to_bf16(to_f32(v) * scale); }
bf16 packed_value(float v, float scale) { return to_bf16(v * scale); }

// One panel: pairs of rows of depth, interleaved column by column. The reads walk along 64 rows of the weight at the
// same time, whose lines stay in the first-level cache until they are used up.
template <typename T>
void pack_panel(const T* weight, const WeightLayout& l, float scale, const std::array<int64_t, kPanelColumns>& rows,
                bf16* out) {
  const int64_t depth = padded_depth(l.inputs);
  for (int64_t tap = 0; tap < l.taps; ++tap) {
    const T* first = weight + tap * l.tap_stride;
    for (int64_t i = 0; i < depth; i += 2, out += 2 * kPanelColumns) {
      for (size_t c = 0; c < kPanelColumns; ++c) {
        const T* from = first + rows[c] * l.out_stride + i * l.in_stride;
        const bool present = rows[c] >= 0;
        out[2 * c] = present && i < l.inputs ? packed_value(from[0], scale) : bf16{};
        out[2 * c + 1] = present && i + 1 < l.inputs ? packed_value(from[l.in_stride], scale) : bf16{};
      }
    }
  }
}

}  // namespace

Panels::Panels(BufferPool& pool, const Threads& threads, const RawWeight& weight, const WeightLayout& layout,
               float scale, int64_t columns, const std::function<int64_t(int64_t)>& source_row)
    : count_(blocks(columns, kPanelColumns)), depth_(layout.taps * padded_depth(layout.inputs)) {
  buffer_ = pool.allocate(bytes_of(columns, layout.inputs, layout.taps));
  threads.for_each(count_, [&](int64_t panel) {
    std::array<int64_t, kPanelColumns> rows;
    for (int64_t c = 0; c < kPanelColumns; ++c) {
      const int64_t column = panel * kPanelColumns + c;
      rows[static_cast<size_t>(c)] = column < columns ? source_row(column) : -1;
    }
    bf16* out = data() + panel * depth_ * kPanelColumns;
    if (weight.type == DType::bf16) {
      pack_panel(reinterpret_cast<const bf16*>(weight.data), layout, scale, rows, out);
    } else {
      pack_panel(reinterpret_cast<const float*>(weight.data), layout, scale, rows, out);
    }
  });
}

Panels::Panels(BufferPool& pool, const Threads& threads, const RawWeight& weight, const WeightLayout& layout,
               float scale)
    : Panels(pool, threads, weight, layout, scale, layout.outputs, [](int64_t column) { return column; }) {}

DepthBlocks::DepthBlocks(std::span<const Segment> segments, const bf16* panel, int64_t depth_block) {
  int64_t total = 0, gathered = 0;
  for (const Segment& segment : segments) total += segment.depth;
  const int64_t enough = total / blocks(total, depth_block);  // blocks of about the same depth
  for (const Segment& segment : segments) {
    // A segment that is longer than a block is cut into nearly equal parts.
    constexpr int64_t kUnit = kernels::kDepthUnit;
    const int64_t parts = blocks(segment.depth, depth_block);
    const int64_t part = (segment.depth / kUnit + parts - 1) / parts * kUnit;
    for (int64_t at = 0; at < segment.depth; at += part) {
      const int64_t length = std::min(part, segment.depth - at);
      if (gathered > 0 && (gathered >= enough || gathered + length > depth_block)) {
        ends_.push_back(pieces_.size());
        gathered = 0;
      }
      pieces_.push_back({segment.offset + at, panel + (segment.row + at) * kPanelColumns, length});
      gathered += length;
    }
  }
  ends_.push_back(pieces_.size());
}

int64_t panel_parts(int64_t tiles, int64_t panels, const Threads& threads) {
  constexpr int64_t kTasksPerThread = 8;
  return std::clamp<int64_t>(blocks(kTasksPerThread * threads.count(), tiles), 1, panels);
}

bool worth_streaming(const Shape& result, int64_t columns) {
  constexpr int64_t kCached = int64_t{32} << 20;  // what a few cores have of third-level cache
  constexpr int64_t kLine = 64 / sizeof(bf16);    // rows must be whole cache lines
  return result.numel() * static_cast<int64_t>(sizeof(bf16)) > kCached && columns % kLine == 0;
}

std::vector<float> padded_to_panels(std::vector<float> bias, int64_t outputs) {
  bias.resize(static_cast<size_t>(blocks(outputs, kPanelColumns) * kPanelColumns));
  return bias;
}

void append_strips(const bf16* first, int64_t rows, int64_t row_stride, std::vector<Strip>& strips) {
  for (int64_t row = 0; row < rows; row += kernels::kStripRows) {
    strips.push_back({first + row * row_stride, std::min(kernels::kStripRows, rows - row)});
  }
}

}  // namespace svd::cpu
