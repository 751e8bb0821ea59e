// The scalar 16-bit types; tests/checkpoint/convert_test.cpp compares whole arrays over all values.
#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace svd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Half, KnownF16) {
  struct Known {
    uint16_t bits;
    float value;
  };
  for (const auto [bits, value] : {Known{0x0000, 0.0f},
                                   {0x8000, -0.0f},
                                   {0x3C00, 1.0f},
                                   {0xC000, -2.0f},
                                   {0x7BFF, 65504.0f},
                                   {0x0400, 0x1p-14f},
                                   {0x0001, 0x1p-24f},
                                   {0x03FF, 0x3FFp-24f},
                                   {0x8001, -0x1p-24f},
                                   {0x3555, 0x1.554p-2f},
                                   {0x7C00, kInfinity},
                                   {0xFC00, -kInfinity}}) {
    EXPECT_EQ(to_f32(f16{bits}), value);
    EXPECT_EQ(std::signbit(to_f32(f16{bits})), std::signbit(value));
    EXPECT_EQ(to_f16(value).bits, bits);
  }
  EXPECT_TRUE(std::isnan(to_f32(to_f16(kNan))));
  EXPECT_TRUE(std::isnan(to_f32(f16{0x7C01})));
}

TEST(Half, KnownBf16) {
  EXPECT_EQ(to_bf16(1.0f).bits, 0x3F80);
  EXPECT_EQ(to_bf16(-2.0f).bits, 0xC000);
  EXPECT_EQ(to_bf16(kInfinity).bits, 0x7F80);
  EXPECT_EQ(to_f32(bf16{0x4049}), 3.140625f);
  EXPECT_TRUE(std::isnan(to_f32(to_bf16(kNan))));
  EXPECT_TRUE(std::isnan(to_f32(to_bf16(std::bit_cast<float>(0x7F800001u)))));  // payload only in the lower half
  EXPECT_TRUE(std::isnan(to_f32(to_bf16(std::bit_cast<float>(0xFFFFFFFFu)))));
}

TEST(Half, TiesGoToEven) {
  EXPECT_EQ(to_bf16(0x1.01p0f).bits, 0x3F80);
  EXPECT_EQ(to_bf16(0x1.03p0f).bits, 0x3F82);
  EXPECT_EQ(to_bf16(0x1.010002p0f).bits, 0x3F81);
  EXPECT_EQ(to_f16(0x1.002p0f).bits, 0x3C00);
  EXPECT_EQ(to_f16(0x1.006p0f).bits, 0x3C02);
  EXPECT_EQ(to_f16(0x1p-25f).bits, 0x0000);
  EXPECT_EQ(to_f16(0x1.8p-24f).bits, 0x0002);
  EXPECT_EQ(to_f16(0x1.000002p-25f).bits, 0x0001);
  EXPECT_EQ(to_f16(65519.996f).bits, 0x7BFF);
  EXPECT_EQ(to_f16(65520.0f).bits, 0x7C00);
}

}  // namespace
}  // namespace svd
