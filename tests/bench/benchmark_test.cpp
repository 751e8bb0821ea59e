// What the measurement reports, what it refuses, and that it can be stopped.
#include "bench/benchmark.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/cpu/isa.h"
#include "base/fail.h"
#include "support/message_of.h"

namespace svd::bench {
namespace {

using testing::HasSubstr;

constexpr CallSizes kSmall{.width = 128, .height = 64, .frames = 2, .decode_frames = 1};

using svd::test::message_of;

class Benchmark : public testing::Test {
  void SetUp() override {
    if (supported_isas().empty()) GTEST_SKIP() << "no AVX2";
  }
};

TEST_F(Benchmark, MeasuresEveryNetworkAsPlanned) {
  const BenchReport r = run_benchmark({.model = "tiny", .sizes = kSmall, .threads = 1, .repeat = 2});
  ASSERT_EQ(r.calls.size(), 4u);
  for (const CallReport& c : r.calls) {
    EXPECT_EQ(c.runs.size(), 2u) << c.name;
    EXPECT_EQ(c.seconds, std::min(c.runs[0], c.runs[1])) << c.name;
    double flops = 0, seconds = 0;
    for (const OpTotal& op : c.ops) {
      flops += op.flops;
      seconds += op.seconds;
    }
    EXPECT_DOUBLE_EQ(flops, c.flops) << c.name;
    EXPECT_LE(seconds, c.profiled_seconds) << c.name;
    EXPECT_TRUE(std::ranges::is_sorted(c.ops, std::ranges::greater(), &OpTotal::seconds)) << c.name;
    EXPECT_GT(c.pool_peak_bytes, 0u) << c.name;
  }
  EXPECT_GT(r.peak_rss_bytes, r.calls[2].pool_peak_bytes / 2);
  EXPECT_EQ(r.options.threads, 1);
}

TEST_F(Benchmark, MeasuresOnlyWhatIsAskedFor) {
  const BenchReport r = run_benchmark({.model = "tiny",
                                       .sizes = kSmall,
                                       .device = DeviceKind::reference,
                                       .ops = false,
                                       .encode = false,
                                       .unet = false});
  ASSERT_EQ(r.calls.size(), 1u);
  EXPECT_EQ(r.calls[0].name, "decode");
  EXPECT_TRUE(r.calls[0].ops.empty());
  EXPECT_EQ(r.options.precision, Precision::f32);
}

TEST_F(Benchmark, RefusesWithTheOptionsName) {
  const auto message = [](const BenchOptions& o, ErrorCode code = ErrorCode::invalid_argument) {
    return message_of(code, [&] { run_benchmark(o); });
  };
  EXPECT_THAT(message({.sizes = {.width = 1000, .height = 576}}), HasSubstr("size: expected HEIGHTxWIDTH"));
  EXPECT_THAT(message({.sizes = {.width = 1024, .height = 0}}), HasSubstr("found 0x1024"));
  EXPECT_THAT(message({.sizes = {.frames = 0}}), HasSubstr("frames: "));
  EXPECT_THAT(message({.sizes = {.decode_frames = -1}}), HasSubstr("decode_frames: "));
  EXPECT_THAT(message({.threads = -1}), HasSubstr("threads: "));
  EXPECT_THAT(message({.repeat = 0}), HasSubstr("repeat: "));
  EXPECT_THAT(message({.model = "huge"}), HasSubstr("model: expected tiny or full"));
  EXPECT_THAT(message({.device = DeviceKind::cuda}, ErrorCode::unsupported), HasSubstr("cuda"));
  EXPECT_THAT(message({.device = DeviceKind::reference, .precision = Precision::bf16}, ErrorCode::unsupported),
              HasSubstr("bf16"));
}

TEST_F(Benchmark, RefusesWhatDoesNotFitBeforeStarting) {
  const BenchOptions huge{.sizes = {.width = 2048, .height = 1024, .frames = 1024, .decode_frames = 1}};
  const std::string message = message_of(ErrorCode::out_of_memory, [&] { run_benchmark(huge); });
  EXPECT_THAT(message, HasSubstr("unet needs"));
  EXPECT_THAT(message, HasSubstr("fewer frames"));
}

TEST_F(Benchmark, Stops) {
  int asked = 0;
  const std::string message = message_of(ErrorCode::cancelled, [&] {
    run_benchmark({.model = "tiny", .sizes = kSmall}, {.stop = [&] { return ++asked > 20; }});
  });
  EXPECT_EQ(asked, 21);
}

}  // namespace
}  // namespace svd::bench
