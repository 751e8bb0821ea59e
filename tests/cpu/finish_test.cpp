#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "backends/cpu/isa.h"
#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/matrix.h"
#include "cpu_test_support.h"

namespace svd::test {
namespace {

using kernels::Finish;
using kernels::kPanelColumns;
using kernels::kStripRows;
using kernels::kStripSums;

struct KernelSet {
  std::string name;
  Isa needs;  // avx2: nothing special
  const kernels::FinishKernel& finish;
  const kernels::AttentionKernel& attention;
};

void PrintTo(const KernelSet& s, std::ostream* out) { *out << s.name; }

class Bf16KernelsTest : public testing::TestWithParam<KernelSet> {
 protected:
  void SetUp() override {
    if (select_isa() < GetParam().needs) GTEST_SKIP() << "this CPU has no " << name_of(GetParam().needs);
  }
  const kernels::FinishKernel& finish() const { return GetParam().finish; }
  const kernels::AttentionKernel& attention() const { return GetParam().attention; }
};

INSTANTIATE_TEST_SUITE_P(Kernels, Bf16KernelsTest,
                         testing::Values(KernelSet{"any", Isa::avx2, kernels::kPortableFinish,
                                                   kernels::kPortableAttention},
                                         KernelSet{"avx512_bf16", Isa::avx512_bf16, kernels::kAvx512Bf16Finish,
                                                   kernels::kAvx512Bf16Attention}),
                         [](const auto& info) { return info.param.name; });

double exact_gelu(double x) { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); }

TEST_P(Bf16KernelsTest, GeluIsWithinItsBound) {
  std::vector<float> x, y;
  for (float v = -12.0f; v <= 12.0f; v += 0.0007f) x.push_back(v);
  y = x;
  finish().gelu(y.data(), static_cast<int64_t>(y.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = exact_gelu(static_cast<double>(x[i]));
    ASSERT_NEAR(y[i], expected, std::max(6e-5, 1e-5 * expected)) << x[i];
  }
  float nan = std::nanf("");
  finish().gelu(&nan, 1);
  EXPECT_TRUE(std::isnan(nan));
}

struct FinishCase {
  int64_t rows, columns;
  bool bias, frame_bias, silu, gelu, gated, residual, other, stream;
};

double expected_of(const FinishCase& c, double sum, double gate_sum, double bias, double gate_bias, double frame_bias,
                   double residual, double other, double share) {
  double v = sum + (c.bias ? bias : 0.0);
  if (c.gated) v *= exact_gelu(gate_sum + (c.bias ? gate_bias : 0.0));
  if (c.silu) v /= 1.0 + std::exp(-v);
  if (c.gelu) v = exact_gelu(v);
  if (c.frame_bias) v += frame_bias;
  if (c.residual) v += residual;
  return c.other ? share * other + (1.0 - share) * v : v;
}

TEST_P(Bf16KernelsTest, FinishEveryOption) {
  const FinishCase cases[] = {
      {16, 64, false, false, false, false, false, false, false, false},
      {16, 64, true, false, false, false, false, false, false, true},
      {7, 64, true, true, false, false, false, true, false, false},
      {16, 64, true, false, true, false, false, true, false, true},
      {16, 64, true, true, false, true, false, true, true, false},
      {16, 32, true, false, false, false, true, false, false, false},
      {5, 32, false, true, false, false, true, true, true, false},
      {3, 1, true, true, false, false, false, true, false, false},
      {16, 17, true, false, true, false, false, false, true, false},
      {1, 33, true, false, false, true, false, true, false, false},
      {16, 60, true, true, false, false, false, true, true, true},
      {2, 13, true, false, false, false, true, false, false, false},
  };
  for (const FinishCase& c : cases) {
    SCOPED_TRACE(testing::Message() << c.rows << " x " << c.columns);
    const int64_t stride = c.stream ? 96 : c.columns + 3;  // streaming needs aligned rows
    AlignedArray<bf16> numbers = random_bf16(kStripSums + 3 * kPanelColumns, 7);
    AlignedArray<float> sums(kStripSums);
    for (int64_t i = 0; i < kStripSums; ++i) sums[i] = 2 * to_f32(numbers[i]);
    AlignedArray<float> bias(kPanelColumns), frame_bias(c.columns);
    for (int64_t i = 0; i < kPanelColumns; ++i) bias[i] = to_f32(numbers[kStripSums + i]);
    for (int64_t i = 0; i < c.columns; ++i) frame_bias[i] = to_f32(numbers[kStripSums + kPanelColumns + i]);
    const int64_t elements = (c.rows - 1) * stride + c.columns;  // exactly what may be touched
    AlignedArray<bf16> residual = random_bf16(elements, 8), other = random_bf16(elements, 9);
    AlignedArray<bf16> y(elements, to_bf16(99.0f));
    const Finish options{.columns = c.columns,
                         .bias = c.bias ? bias.data() : nullptr,
                         .frame_bias = c.frame_bias ? frame_bias.data() : nullptr,
                         .silu = c.silu,
                         .gelu = c.gelu,
                         .gate = c.gated ? kernels::Gate::gelu : kernels::Gate::none,
                         .stream = c.stream,
                         .other_share = 0.3f};
    finish().strip(sums.data(), c.rows, options, c.residual ? residual.data() : nullptr,
                   c.other ? other.data() : nullptr, stride, y.data());
    finish().end_streaming();
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t i = 0; i < c.columns; ++i) {
        const int64_t at = r * stride + i, sum = r * kPanelColumns + i, gate = sum + kPanelColumns / 2;
        const double expected =
            expected_of(c, static_cast<double>(sums[sum]), c.gated ? static_cast<double>(sums[gate]) : 0.0,
                        static_cast<double>(bias[i]), c.gated ? static_cast<double>(bias[i + 32]) : 0.0,
                        static_cast<double>(frame_bias[i]), static_cast<double>(to_f32(residual[at])),
                        static_cast<double>(to_f32(other[at])), 0.3);
        ASSERT_NEAR(to_f32(y[at]), expected, 3e-4 + std::abs(expected) / 256) << "row " << r << ", column " << i;
      }
      for (int64_t i = c.columns; r + 1 < c.rows && i < stride; ++i) {
        ASSERT_EQ(to_f32(y[r * stride + i]), 99.0f) << "beyond the columns of row " << r;
      }
    }
  }
}

TEST_P(Bf16KernelsTest, KeysAndValuesInPanels) {
  for (const int64_t width : {64, 512}) {
    for (const int64_t count : {1, 15, 16, 63, 64}) {
      const int64_t stride = 3 * width + 8;
      AlignedArray<bf16> rows = random_bf16((count - 1) * stride + width, 3);
      AlignedArray<bf16> panel(kernels::kKeyPanel * width, to_bf16(99.0f));
      attention().pack_keys(rows.data(), count, width, stride, panel.data());
      for (int64_t key = 0; key < kernels::kKeyPanel; ++key) {
        for (int64_t c = 0; c < width; ++c) {
          const float expected = key < count ? to_f32(rows[key * stride + c]) : 0.0f;
          ASSERT_EQ(to_f32(panel[(c / 2 * 64 + key) * 2 + c % 2]), expected) << "key " << key << ", element " << c;
        }
      }
      attention().pack_values(rows.data(), count, 64, stride, panel.data());
      for (int64_t key = 0; key < 64; ++key) {
        for (int64_t c = 0; c < kPanelColumns; ++c) {
          const float expected = key < count ? to_f32(rows[key * stride + c]) : 0.0f;
          ASSERT_EQ(to_f32(panel[(key / 2 * 64 + c) * 2 + key % 2]), expected) << "value " << key << ", element " << c;
        }
      }
    }
  }
}

// Blocks of keys one after the other give what the softmax over all of them gives, whatever the order of the largest.
TEST_P(Bf16KernelsTest, OnlineSoftmax) {
  constexpr int64_t kRows = 9, kOutputPanels = 2;
  constexpr double kScale = 0.7;
  const std::vector<int64_t> blocks = {128, 70, 1, 256};
  int64_t keys = 0;
  for (const int64_t count : blocks) keys += count;
  AlignedArray<bf16> numbers = random_bf16(kRows * keys, 5);
  const auto logit = [&](int64_t row, int64_t key) {
    // Rows that rise, fall and stay; some far from zero.
    const double slope = row % 3 == 0 ? 0.1 : row % 3 == 1 ? -0.1 : 0.0;
    return static_cast<double>(to_f32(numbers[row * keys + key])) + slope * static_cast<double>(key) +
           (row == 5   ? 3000.0
            : row == 6 ? -3000.0
                       : 0.0);
  };
  kernels::SoftmaxState state;
  state.reset();
  AlignedArray<float> outputs(kOutputPanels * kStripSums, 0.0f);  // each column: the sum of the row's probabilities
  int64_t first = 0;
  for (const int64_t count : blocks) {
    const int64_t padded = (count + 63) / 64 * 64;
    AlignedArray<float> scores(padded / 64 * kStripSums, 1e30f);  // what is beyond the keys must not matter
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t key = 0; key < count; ++key) {
        scores[key / 64 * kStripSums + row * 64 + key % 64] = static_cast<float>(logit(row, first + key));
      }
    }
    AlignedArray<bf16> probabilities(kStripRows * padded, to_bf16(7.0f));
    attention().softmax(scores.data(), kStripSums, kRows, count, static_cast<float>(kScale * std::numbers::log2e),
                        state, outputs.data(), kOutputPanels, kStripSums, probabilities.data(), padded);
    for (int64_t row = 0; row < kRows; ++row) {
      double sum = 0;
      for (int64_t key = 0; key < padded; ++key) {
        const float p = to_f32(probabilities[row * padded + key]);
        if (key >= count) {
          ASSERT_EQ(p, 0.0f) << "beyond the keys";
        }
        sum += static_cast<double>(p);
      }
      for (int64_t i = 0; i < kOutputPanels * 64; ++i) {
        outputs[i / 64 * kStripSums + row * 64 + i % 64] += static_cast<float>(sum);
      }
    }
    first += count;
  }
  AlignedArray<bf16> y(kRows * 64);
  attention().divide(outputs.data() + kStripSums, kRows, state, 64, y.data());
  for (int64_t row = 0; row < kRows; ++row) {
    double most = -1e300, sum = 0;
    for (int64_t key = 0; key < keys; ++key) most = std::max(most, logit(row, key));
    for (int64_t key = 0; key < keys; ++key) sum += std::exp(kScale * (logit(row, key) - most));
    double found = 0;
    for (int i = 0; i < 16; ++i) found += static_cast<double>(state.sum[row][i]);
    EXPECT_NEAR(found, sum, 2e-3 * sum) << "row " << row;
    EXPECT_NEAR(state.maximum[row], most, 1e-3 + 1e-6 * std::abs(most)) << "row " << row;
    EXPECT_NEAR(to_f32(y[row * 64 + 63]), 1.0, 1.0 / 128) << "row " << row;  // probabilities add up to one
  }
}

}  // namespace
}  // namespace svd::test
