#include "backends/cpu/panels.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "cpu_test_support.h"

namespace svd::test {
namespace {

using cpu::DepthBlocks;
using cpu::Panels;
using cpu::Segment;
using cpu::WeightLayout;
using kernels::kPanelColumns;

float at(const Panels& panels, int64_t column, int64_t row) {
  const bf16* panel = panels.panel(column / kPanelColumns);
  return to_f32(panel[(row / 2 * kPanelColumns + column % kPanelColumns) * 2 + row % 2]);
}

// A kernel [outputs, inputs, taps] whose element number is its value (small enough for bfloat16 to hold it).
TEST(Panels, TapsPaddingAndScale) {
  constexpr int64_t kOutputs = 7, kInputs = 5, kTaps = 3;
  std::vector<float> kernel(kOutputs * kInputs * kTaps);
  std::iota(kernel.begin(), kernel.end(), 1.0f);
  BufferPool pool;
  const RawWeight weight{{kOutputs, kInputs, kTaps}, DType::f32, reinterpret_cast<const std::byte*>(kernel.data())};
  const WeightLayout layout{.outputs = kOutputs,
                            .taps = kTaps,
                            .inputs = kInputs,
                            .out_stride = kInputs * kTaps,
                            .tap_stride = 1,
                            .in_stride = kTaps};
  const Panels panels(pool, Threads(2), weight, layout, 2.0f);
  ASSERT_EQ(panels.count(), 1);
  ASSERT_EQ(panels.depth(), kTaps * 32);
  for (int64_t column = 0; column < kPanelColumns; ++column) {
    for (int64_t row = 0; row < panels.depth(); ++row) {
      const int64_t tap = row / 32, input = row % 32;
      const bool there = column < kOutputs && input < kInputs;
      const float expected =
          there ? 2.0f * kernel[static_cast<size_t>((column * kInputs + input) * kTaps + tap)] : 0.0f;
      ASSERT_EQ(at(panels, column, row), expected) << "column " << column << ", row " << row;
    }
  }
}

TEST(Panels, ColumnsInAnotherOrder) {
  std::vector<bf16> matrix(100 * 32);
  for (size_t i = 0; i < matrix.size(); ++i) matrix[i] = to_bf16(static_cast<float>(i / 32));  // its output's number
  BufferPool pool;
  const RawWeight weight{{100, 32}, DType::bf16, reinterpret_cast<const std::byte*>(matrix.data())};
  const WeightLayout layout{.outputs = 100, .inputs = 32, .out_stride = 32};
  const Panels panels(pool, Threads(1), weight, layout, 1.0f, 90,
                      [](int64_t column) { return column == 3 ? -1 : 99 - column; });
  ASSERT_EQ(panels.count(), 2);
  for (int64_t column = 0; column < 128; ++column) {
    const float expected = column == 3 || column >= 90 ? 0.0f : static_cast<float>(99 - column);
    EXPECT_EQ(at(panels, column, 31), expected) << "column " << column;
  }
}

// Every row of the depth comes once, in order, and no block is deeper than it may be.
TEST(DepthBlocks, CoverTheDepth) {
  const std::vector<std::vector<int64_t>> cases = {{320},        {320, 320, 320, 320, 320, 320, 320, 320, 320},
                                                   {5120},       {2560, 2560, 2560},
                                                   {32},         {640, 640, 640, 640, 640, 640, 640, 640, 640},
                                                   {1312, 1312}, {128, 128, 128, 128, 128, 128, 128, 128, 128}};
  for (const int64_t block : {512, 1280}) {
    for (const std::vector<int64_t>& depths : cases) {
      SCOPED_TRACE(testing::Message() << depths.size() << " x " << depths[0] << " in blocks of " << block);
      std::vector<Segment> segments;
      int64_t total = 0;
      for (const int64_t depth : depths) {
        segments.push_back({.offset = 10 * total, .row = total, .depth = depth});
        total += depth;
      }
      const std::vector<bf16> panel(static_cast<size_t>(total * kPanelColumns));
      const DepthBlocks blocks(segments, panel.data(), block);
      int64_t row = 0;
      for (size_t i = 0; i < blocks.count(); ++i) {
        int64_t depth = 0;
        for (const kernels::Piece& piece : blocks[i]) {
          EXPECT_EQ(piece.panel, panel.data() + row * kPanelColumns);
          EXPECT_EQ(piece.depth % kernels::kDepthUnit, 0);
          row += piece.depth;
          depth += piece.depth;
        }
        EXPECT_LE(depth, block);
        EXPECT_GT(depth, 0);
      }
      EXPECT_EQ(row, total);
    }
  }
}

}  // namespace
}  // namespace svd::test
