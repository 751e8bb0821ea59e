#include "diffusion/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "diffusion/philox.h"
#include "support/golden.h"
#include "svd/error.h"

namespace svd {
namespace {

constexpr double kTolerance = 1e-6;  // PyTorch's vectorised logf and cosf differ from the C library's in the last bits

std::vector<float> draw(Generator& generator, size_t n) {
  std::vector<float> values(n);
  generator.normal(values);
  return values;
}

struct Draw {
  const char* name;
  uint64_t seed;
  size_t count;
};
void PrintTo(const Draw& d, std::ostream* os) { *os << d.name; }

class TorchCpu : public testing::TestWithParam<Draw> {};

TEST_P(TorchCpu, DrawsWhatPyTorchDraws) {
  TorchCpuGenerator generator(GetParam().seed);
  const auto values = draw(generator, GetParam().count);
  EXPECT_LE(test::relative_l2(values, test::GoldenFile("rng_torch_cpu.safetensors").f32(GetParam().name)), kTolerance);
}

INSTANTIATE_TEST_SUITE_P(Golden, TorchCpu,
                         testing::Values(Draw{"randn_seed0_2x3x5", 0, 30},
                                         Draw{"randn_seed123456789012345_n64", 123456789012345, 64},
                                         Draw{"randn_seed23_n1", 23, 1}, Draw{"randn_seed23_n5", 23, 5},
                                         Draw{"randn_seed23_n15", 23, 15}, Draw{"randn_seed23_n16", 23, 16},
                                         Draw{"randn_seed23_n17", 23, 17}, Draw{"randn_seed23_n31", 23, 31},
                                         Draw{"randn_seed23_n32", 23, 32}, Draw{"randn_seed23_n100", 23, 100},
                                         Draw{"randn_seed23_n1000", 23, 1000}));

TEST(TorchCpuSequence, SecondDrawContinuesTheStream) {
  const test::GoldenFile golden("rng_torch_cpu.safetensors");
  TorchCpuGenerator generator(23);
  auto first = draw(generator, 3 * 64 * 128);
  first.erase(first.begin(), first.end() - 16);
  EXPECT_LE(test::relative_l2(first, golden.f32("seq_first_tail")), kTolerance);
  EXPECT_LE(test::relative_l2(draw(generator, 14 * 4 * 8 * 16), golden.f32("seq_second")), kTolerance);
}

TEST(TorchCpuSequence, ShortDrawsShareTheCachedValue) {
  const auto expected = test::GoldenFile("rng_torch_cpu.safetensors").f32("randn_seed23_n15");
  TorchCpuGenerator generator(23);
  auto values = draw(generator, 5);
  for (const float v : draw(generator, 10)) values.push_back(v);
  EXPECT_LE(test::relative_l2(values, expected), kTolerance);
}

TEST(TorchCpuSequence, CachedValueSurvivesALongDraw) {
  const auto expected = test::GoldenFile("rng_torch_cpu.safetensors").f32("randn_seed23_n15");
  TorchCpuGenerator generator(23);
  draw(generator, 1);
  draw(generator, 16);
  EXPECT_FLOAT_EQ(draw(generator, 1)[0], expected[1]);
}

TEST(TorchCpuSequence, EmptyDrawTakesNothing) {
  TorchCpuGenerator a(7), b(7);
  draw(a, 0);
  EXPECT_EQ(draw(a, 20), draw(b, 20));
}

// Known answers of the Random123 library (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, CipherMatchesItsPublishedVectors) {
  using A4 = std::array<uint32_t, 4>;
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (A4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox4x32_10({ones, ones, ones, ones}, {ones, ones}),
            (A4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (A4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// torch.manual_seed(0); torch.randn(3, 4, device="cuda"), as many people have printed it.
TEST(Philox, SmallDrawIsThatOfEveryGpu) {
  const std::vector<float> expected{-0.92466259f, -0.42534415f, -2.6438457f,  0.14518388f,  -0.12086647f, -0.57972564f,
                                    -0.62285122f, -0.32838709f, -1.07454231f, -0.36314407f, -1.67105067f, 2.26550497f};
  PhiloxGenerator generator(0, kA100);
  EXPECT_LE(test::relative_l2(draw(generator, expected.size()), expected), kTolerance);
}

TEST(Philox, DrawOfATensorLargerThanTheGpuFollowsItsGrid) {
  // One multiprocessor with one block: 256 threads, so element 256 is the second value of thread 0 and element 1024
  // comes from its second cipher block.
  constexpr CudaDevice tiny{.multiprocessors = 1, .threads_per_multiprocessor = 256};
  PhiloxGenerator small(5, tiny);
  const auto large = draw(small, 1300);
  PhiloxGenerator again(5, tiny);
  const auto first = draw(again, 256);
  const auto second = draw(again, 256);
  EXPECT_TRUE(std::equal(first.begin(), first.end(), large.begin()));
  EXPECT_TRUE(std::equal(second.begin(), second.end(), large.begin() + 1024));
  PhiloxGenerator wide(5, kA100);
  EXPECT_EQ(draw(wide, 256), first);             // fits into either: the same
  EXPECT_NE(draw(wide, 1300)[256], large[256]);  // does not: the GPU shows
}

TEST(Philox, ImpossibleGpuIsRefused) {
  EXPECT_THROW(PhiloxGenerator(0, CudaDevice{.multiprocessors = 0, .threads_per_multiprocessor = 2048}), Error);
  EXPECT_THROW(PhiloxGenerator(0, CudaDevice{.multiprocessors = 1, .threads_per_multiprocessor = 128}), Error);
}

// Both generators, many values: mean, variance and kurtosis of a normal distribution.
TEST(Generators, ValuesAreNormal) {
  TorchCpuGenerator cpu(1);
  PhiloxGenerator gpu(1, kA100);
  for (Generator* generator : std::initializer_list<Generator*>{&cpu, &gpu}) {
    const auto values = draw(*generator, 1'000'003);
    double moments[5] = {};
    for (const double v : values) {
      double power = 1;
      for (double& m : moments) m += power / static_cast<double>(values.size()), power *= v;
    }
    EXPECT_NEAR(moments[1], 0.0, 0.005);
    EXPECT_NEAR(moments[2], 1.0, 0.01);
    EXPECT_NEAR(moments[3], 0.0, 0.02);
    EXPECT_NEAR(moments[4], 3.0, 0.05);
  }
}

}  // namespace
}  // namespace svd
