#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "backends/cpu/isa.h"
#include "backends/cpu/kernels/matrix.h"
#include "cpu_test_support.h"
#include "emulated_tiles.h"

namespace svd::test {
namespace {

using kernels::kPanelColumns;
using kernels::kStripRows;
using kernels::kStripSums;
using kernels::Piece;
using kernels::Strip;

struct KernelCase {
  std::string name;
  Isa needs;  // avx2: nothing special
  kernels::MatrixKernel kernel;
};

using Emulated = kernels::AmxMatrix<EmulatedTiles>;
const kernels::MatrixKernel kEmulated{"amx_emulated", 512, Emulated::accumulate, Emulated::enter, Emulated::leave};

void PrintTo(const KernelCase& c, std::ostream* out) { *out << c.name; }

std::vector<KernelCase> kernel_cases() {
  return {{"widening", Isa::avx2, kernels::kWideningMatrix},
          {"avx512_bf16", Isa::avx512_bf16, kernels::kAvx512Bf16Matrix},
          {"amx_bf16", Isa::amx_bf16, kernels::kAmxBf16Matrix},
          {"amx_emulated", Isa::avx2, kEmulated}};
}

class MatrixKernelTest : public testing::TestWithParam<KernelCase> {
 protected:
  void SetUp() override {
    if (select_isa() < GetParam().needs) GTEST_SKIP() << "this CPU has no " << name_of(GetParam().needs);
  }
};

// One call: `counts` rows per strip, pieces of `depths` at odd places of the left rows, on top of earlier sums or not.
void check(const kernels::MatrixKernel& kernel, const std::vector<int64_t>& counts, const std::vector<int64_t>& depths,
           bool add) {
  SCOPED_TRACE(testing::Message() << counts.size() << " strips, the last of " << counts.back() << " rows, "
                                  << depths.size() << " pieces, first depth " << depths[0] << (add ? ", added" : ""));
  int64_t total_depth = 0;
  for (const int64_t depth : depths) total_depth += depth;
  const int64_t row_stride = total_depth + 2 * std::ssize(depths) + 4;  // behind each piece a gap of two elements
  const int64_t strip_elements = kStripRows * row_stride;
  const int64_t strip_count = static_cast<int64_t>(counts.size());
  AlignedArray<bf16> left = random_bf16(strip_count * strip_elements, 1);
  AlignedArray<bf16> right = random_bf16(total_depth * kPanelColumns, 2);
  constexpr float kBefore = 0.5f;
  AlignedArray<float> sums(strip_count * kStripSums, kBefore);

  std::vector<Strip> strips;
  for (int64_t s = 0; s < strip_count; ++s) {
    strips.push_back({left.data() + s * strip_elements + 4, counts[static_cast<size_t>(s)]});
  }
  std::vector<Piece> pieces;
  int64_t offset = -4, row = 0;
  for (const int64_t depth : depths) {
    pieces.push_back({offset, right.data() + row * kPanelColumns, depth});
    offset += depth + 2;
    row += depth;
  }
  {
    const kernels::MatrixSession session(kernel);
    kernel.accumulate(strips.data(), strip_count, row_stride, pieces.data(), static_cast<int64_t>(pieces.size()), add,
                      sums.data());
  }

  for (int64_t s = 0; s < strip_count; ++s) {
    for (int64_t r = 0; r < strips[static_cast<size_t>(s)].count; ++r) {
      for (int64_t column = 0; column < kPanelColumns; ++column) {
        double expected = add ? kBefore : 0.0;
        for (const Piece& piece : pieces) {
          const bf16* a = strips[static_cast<size_t>(s)].rows + r * row_stride + piece.offset;
          for (int64_t k = 0; k < piece.depth; ++k) {
            const bf16 b = piece.panel[(k / 2 * kPanelColumns + column) * 2 + k % 2];
            expected += static_cast<double>(to_f32(a[k])) * static_cast<double>(to_f32(b));
          }
        }
        ASSERT_NEAR(sums[s * kStripSums + r * kPanelColumns + column], expected, 1e-4 * std::sqrt(total_depth))
            << "strip " << s << ", row " << r << ", column " << column;
      }
    }
  }
}

TEST_P(MatrixKernelTest, EveryNumberOfRows) {
  for (int64_t rows = 1; rows <= kStripRows; ++rows) check(GetParam().kernel, {rows}, {32}, false);
}

TEST_P(MatrixKernelTest, Strips) {
  for (const auto& counts : std::vector<std::vector<int64_t>>{
           {16, 16}, {16, 16, 16}, {16, 16, 16, 16, 5}, {16, 3}, {8, 8, 8}, {8, 16, 8, 16, 16, 1}}) {
    check(GetParam().kernel, counts, {64}, false);
    check(GetParam().kernel, counts, {64}, true);
  }
}

TEST_P(MatrixKernelTest, Pieces) {
  for (const auto& depths :
       std::vector<std::vector<int64_t>>{{320}, {32, 64}, {64, 64, 64}, {1280, 32}, {32, 32, 32, 32, 32}, {96, 64}}) {
    check(GetParam().kernel, {16, 16, 7}, depths, false);
    check(GetParam().kernel, {16, 16, 7}, depths, true);
  }
}

TEST(AmxMatrix, ConfiguresItsTilesOncePerSessionAndForShortStrips) {
  EmulatedTiles::configurations = 0;
  check(kEmulated, {16, 16, 16}, {32}, false);
  EXPECT_EQ(EmulatedTiles::configurations, 1);
  EXPECT_FALSE(EmulatedTiles::in_use);
  EmulatedTiles::configurations = 0;
  check(kEmulated, {16, 9}, {32}, false);  // for 16 rows, for 9, and for 16 again
  EXPECT_EQ(EmulatedTiles::configurations, 3);
}

INSTANTIATE_TEST_SUITE_P(Kernels, MatrixKernelTest, testing::ValuesIn(kernel_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace svd::test
