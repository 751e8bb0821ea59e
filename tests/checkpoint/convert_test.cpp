#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "svd/error.h"

namespace svd {
namespace {

template <typename To, typename From>
std::vector<To> converted(const std::vector<From>& from) {
  std::vector<To> to(from.size());
  convert(std::as_bytes(std::span(from)), dtype_of<From>(), std::as_writable_bytes(std::span(to)), dtype_of<To>());
  return to;
}

template <typename Half>
std::vector<Half> all_halves() {
  std::vector<Half> values(65536);
  for (size_t i = 0; i < values.size(); ++i) values[i].bits = static_cast<uint16_t>(i);
  return values;
}

uint32_t bits(float v) { return std::bit_cast<uint32_t>(v); }

// Value of a binary16 from its definition, for comparison.
double f16_value(uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const double sign = h & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}

TEST(Convert, EveryF16) {
  const auto halves = all_halves<f16>();
  const auto floats = converted<float>(halves);
  const auto back = converted<f16>(floats);
  for (size_t i = 0; i < halves.size(); ++i) {
    EXPECT_EQ(bits(floats[i]), bits(to_f32(halves[i]))) << i;
    const double expected = f16_value(halves[i].bits);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(floats[i])) << i;
      EXPECT_TRUE(std::isnan(f16_value(back[i].bits))) << i;
      EXPECT_EQ(back[i].bits & 0x8000, halves[i].bits & 0x8000) << i;
    } else {
      EXPECT_EQ(floats[i], expected) << i;
      EXPECT_EQ(back[i].bits, halves[i].bits) << i;
    }
  }
}

TEST(Convert, EveryBf16) {
  const auto halves = all_halves<bf16>();
  const auto floats = converted<float>(halves);
  const auto back = converted<bf16>(floats);
  for (size_t i = 0; i < halves.size(); ++i) {
    EXPECT_EQ(bits(floats[i]), halves[i].bits * 65536u) << i;
    if (std::isnan(floats[i])) {
      EXPECT_EQ(back[i].bits, halves[i].bits | 0x40) << i;  // quiet
    } else {
      EXPECT_EQ(back[i].bits, halves[i].bits) << i;
    }
  }
}

// Around every boundary between two neighbours: just below, the tie, just above.
template <typename Half>
void expect_nearest_even(uint16_t infinity) {
  std::vector<float> values;
  std::vector<uint16_t> expected;
  for (uint16_t h = 0; h + 1 < infinity; ++h) {
    const float low = to_f32(Half{h}), high = to_f32(Half{static_cast<uint16_t>(h + 1)});
    const float tie = static_cast<float>((static_cast<double>(low) + high) / 2);
    const uint16_t even = h % 2 ? h + 1 : h;
    for (const float sign : {1.0f, -1.0f}) {
      const uint16_t sign_bit = sign < 0 ? 0x8000 : 0;
      values.insert(values.end(), {sign * std::nextafter(tie, low), sign * tie, sign * std::nextafter(tie, high)});
      for (const uint16_t e : {h, even, static_cast<uint16_t>(h + 1)}) expected.push_back(e | sign_bit);
    }
  }
  const auto found = converted<Half>(values);
  for (size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i].bits, expected[i]) << values[i];
}

TEST(Convert, RoundsTiesToEven) {
  expect_nearest_even<f16>(0x7C00);
  expect_nearest_even<bf16>(0x7F80);
}

TEST(Convert, Overflows) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto h = converted<f16>(std::vector<float>{65504, 65519.996f, 65520, 1e30f, -65520, infinity, -infinity});
  const std::vector<uint16_t> expected = {0x7BFF, 0x7BFF, 0x7C00, 0x7C00, 0xFC00, 0x7C00, 0xFC00};
  for (size_t i = 0; i < h.size(); ++i) EXPECT_EQ(h[i].bits, expected[i]) << i;
  const float largest = std::numeric_limits<float>::max();
  const auto b = converted<bf16>(std::vector<float>{largest, -largest, infinity});
  EXPECT_EQ(b[0].bits, 0x7F80);
  EXPECT_EQ(b[1].bits, 0xFF80);
  EXPECT_EQ(b[2].bits, 0x7F80);
}

// The branch-free loops against the scalar functions, over float32 patterns of all exponents.
TEST(Convert, AgreesWithTheScalarFunctions) {
  std::vector<float> values;
  for (uint64_t u = 0; u < (uint64_t{1} << 32); u += 4099)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(u)));
  const auto h = converted<f16>(values);
  const auto b = converted<bf16>(values);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(h[i].bits, to_f16(values[i]).bits) << std::hex << bits(values[i]);
    ASSERT_EQ(b[i].bits, to_bf16(values[i]).bits) << std::hex << bits(values[i]);
  }
}

TEST(Convert, BetweenTheHalvesRoundsOnce) {
  const auto from = all_halves<f16>();
  const auto to = converted<bf16>(from);
  const auto back = converted<f16>(all_halves<bf16>());
  for (size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(to[i].bits, to_bf16(to_f32(from[i])).bits) << i;
    EXPECT_EQ(back[i].bits, to_f16(to_f32(bf16{static_cast<uint16_t>(i)})).bits) << i;
  }
}

TEST(Convert, CopiesEqualTypes) {
  EXPECT_EQ(converted<uint8_t>(std::vector<uint8_t>{1, 2, 255}), (std::vector<uint8_t>{1, 2, 255}));
  EXPECT_EQ(converted<float>(std::vector<float>{1.5f, -0.0f}), (std::vector<float>{1.5f, -0.0f}));
  EXPECT_TRUE(converted<bf16>(std::vector<float>{}).empty());
}

TEST(Convert, RefusesWhatItCannot) {
  std::vector<std::byte> four(4), eight(8);
  EXPECT_THROW(convert(four, DType::u8, eight, DType::bf16), Error);
  EXPECT_THROW(convert(eight, DType::f32, std::span(four).first(2), DType::u8), Error);
  EXPECT_THROW(convert(eight, DType::f32, eight, DType::bf16), Error);                    // other number of elements
  EXPECT_THROW(convert(std::span(four).first(3), DType::bf16, four, DType::f32), Error);  // half an element
}

}  // namespace
}  // namespace svd
