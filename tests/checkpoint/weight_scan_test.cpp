// Damage that leaves a file's header whole.
#include "checkpoint/weight_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace svd {
namespace {

using Kind = WeightDefect::Kind;
using testing::HasSubstr;

// Weights as a trained layer's, of a given type, none of them zero.
class Weights {
 public:
  Weights(DType type, Shape shape) : info_{.shape = shape, .type = type} {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.02f);
    for (int64_t i = 0; i < shape.numel(); ++i) {
      const float drawn = normal(random);
      put(i, drawn == 0 ? 0.01f : drawn);
    }
  }

  void put(int64_t index, float value) {
    bytes_.resize(static_cast<size_t>(info_.shape.numel()) * size_of(info_.type));
    const uint16_t half = info_.type == DType::f16 ? to_f16(value).bits : to_bf16(value).bits;
    std::byte* const place = bytes_.data() + static_cast<size_t>(index) * size_of(info_.type);
    info_.type == DType::f32 ? std::memcpy(place, &value, 4) : std::memcpy(place, &half, 2);
  }
  void zero(int64_t begin, int64_t count) {
    for (int64_t i = begin; i < begin + count; ++i) put(i, 0);
  }
  WeightDefect defect(std::string_view name = "layer.weight") const { return find_defect(name, info_, bytes_); }
  WeightScan scan() const { return scan_weights(bytes_, info_.type); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  TensorInfo info_;
  std::vector<std::byte> bytes_;
};

class WeightScanTest : public testing::TestWithParam<DType> {};

TEST_P(WeightScanTest, GoodWeightsHaveNoDefect) {
  EXPECT_FALSE(Weights(GetParam(), {64, 64, 3, 3}).defect());
  Weights extremes(GetParam(), {16, 33});
  extremes.put(0, 65504.f);  // the largest float16
  extremes.put(1, -65504.f);
  extremes.put(2, 6e-8f);  // its smallest
  extremes.put(3, -0.f);
  EXPECT_FALSE(extremes.defect());
}

// At every place of the blocks that are looked at at once, and behind the last whole one.
TEST_P(WeightScanTest, ASingleValueThatIsNotFiniteIsFound) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const int64_t at : {0, 1, 63, 64, 127, 128, 129, 200, 608, 609}) {
    Weights weights(GetParam(), {10, 61});
    weights.put(at, -infinity);
    EXPECT_EQ(weights.defect().kind, Kind::infinite);
    EXPECT_EQ(weights.defect().first, static_cast<uint64_t>(at));
    weights.put(at, nan);
    weights.put(609, nan);
    const WeightDefect defect = weights.defect("bias");
    EXPECT_EQ(defect.kind, Kind::not_a_number);
    EXPECT_EQ(defect.first, static_cast<uint64_t>(at));
    EXPECT_EQ(defect.count, at == 609 ? 1u : 2u);
  }
}

TEST_P(WeightScanTest, AHoleIsMeasuredToTheElement) {
  const int64_t block = 4096 / static_cast<int64_t>(size_of(GetParam()));
  for (const int64_t begin : {1, 127, 128, 1000}) {
    Weights weights(GetParam(), {64, 64, 3, 3});
    weights.zero(begin, block);
    const WeightDefect defect = weights.defect();
    EXPECT_EQ(defect.kind, Kind::zero_block);
    EXPECT_EQ(defect.first, static_cast<uint64_t>(begin));
    EXPECT_EQ(defect.count, static_cast<uint64_t>(block));
    EXPECT_EQ(defect.elements, 64u * 64 * 9);
    weights.put(begin + 1, 1);  // one value less, and it could be the network's own
    EXPECT_FALSE(weights.defect());
  }
  Weights tail(GetParam(), {64, 64, 3, 3});
  tail.zero(30'000, 64 * 64 * 9 - 30'000);
  EXPECT_EQ(tail.defect().count, 64u * 64 * 9 - 30'000);
}

TEST_P(WeightScanTest, ChannelsThatDiedAreNoHole) {
  Weights weights(GetParam(), {64, 64, 3, 3});
  weights.zero(5 * 576, 16 * 576);
  EXPECT_FALSE(weights.defect());
  weights.zero(5 * 576, 17 * 576);  // more than a quarter
  EXPECT_EQ(weights.defect().kind, Kind::zero_block);
  Weights beside(GetParam(), {64, 64, 3, 3});
  beside.zero(5 * 576 + 1, 16 * 576);
  EXPECT_EQ(beside.defect().kind, Kind::zero_block);
}

TEST_P(WeightScanTest, WhatIsAllZero) {
  const auto zeros = [](Shape shape, std::string_view name) {
    Weights weights(GetParam(), shape);
    weights.zero(0, shape.numel());
    EXPECT_EQ(weights.scan().all_zero, shape.numel() > 0);
    return weights.defect(name).kind;
  };
  EXPECT_EQ(zeros({4, 4}, "conv.weight"), Kind::all_zero);
  EXPECT_EQ(zeros({320, 4, 3, 3}, "conv.weight"), Kind::all_zero);
  EXPECT_EQ(zeros({320}, "norm.weight"), Kind::all_zero);
  EXPECT_EQ(zeros({320}, "norm.bias"), Kind::none);
  EXPECT_EQ(zeros({10'000}, "ff.bias"), Kind::none);
  EXPECT_EQ(zeros({1}, "mix.weight"), Kind::none);
  EXPECT_EQ(zeros({1, 1}, "mix_factor"), Kind::none);
  EXPECT_EQ(zeros({0, 8}, "nothing.weight"), Kind::none);
}

TEST_P(WeightScanTest, BytesNeedNoAlignment) {
  Weights weights(GetParam(), {64, 64});
  weights.put(77, std::numeric_limits<float>::infinity());
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), weights.bytes().begin(), weights.bytes().end());
  const WeightScan scan = scan_weights(std::span(shifted).subspan(1), GetParam());
  EXPECT_EQ(scan.infinite, 1u);
  EXPECT_EQ(scan.first_not_finite, 77u);
}

INSTANTIATE_TEST_SUITE_P(Types, WeightScanTest, testing::Values(DType::f32, DType::f16, DType::bf16),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(WeightScan, WordsSayWhereAndWhat) {
  const WeightDefect hole{.kind = Kind::zero_block, .first = 10, .count = 25, .elements = 100};
  EXPECT_EQ(describe(hole), "25 of 100 values (25.0%) are zero in one piece, from value 10 on");
  EXPECT_THAT(std::string(cause_of(hole)), HasSubstr("interrupted download"));
  const WeightDefect nan{.kind = Kind::not_a_number, .first = 7, .count = 1, .elements = 9};
  EXPECT_EQ(describe(nan), "1 of 9 values are NaN, the first is value 7");
}

}  // namespace
}  // namespace svd
