// `svd bench` as a program: its JSON, its tables, its messages.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "backends/cpu/isa.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

struct Result {
  int exit_code = -1;
  std::string output, errors;
};

Result bench(const std::string& arguments) {
  const auto errors = std::filesystem::path(testing::TempDir()) / fmt::format("svd_bench_{}.txt", ::getpid());
  Result result;
  FILE* pipe = ::popen(fmt::format("'{}' bench {} 2>'{}'", SVD_PROGRAM, arguments, errors.string()).c_str(), "r");
  if (!pipe) return result;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) result.output.append(buffer, n);
  const int status = ::pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  std::ifstream file(errors);
  result.errors.assign(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(errors);
  return result;
}

class BenchCommand : public testing::Test {
  void SetUp() override {
    if (supported_isas().empty()) GTEST_SKIP() << "no AVX2";
  }
};

TEST_F(BenchCommand, JsonHasTheFields) {
  const Result r = bench("--model tiny --size 64x128 --frames 2 --json");
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  const nlohmann::json json = nlohmann::json::parse(r.output);
  EXPECT_GT(json.at("peak_tflops").get<double>(), 0.001);
  for (const char* network : {"unet", "decode", "encode", "clip"}) {
    const nlohmann::json& call = json.at(network);
    EXPECT_GT(call.at("seconds").get<double>(), 0) << network;
    EXPECT_GT(call.at("tflops").get<double>(), 0) << network;
    const double percent = call.at("percent_of_peak").get<double>();
    EXPECT_GT(percent, 0) << network;
    EXPECT_LT(percent, 150) << network;
    EXPECT_GT(call.at("load_seconds").get<double>(), 0) << network;
    EXPECT_GT(call.at("ops").size(), 5u) << network;
    for (const char* field : {"kind", "detail", "calls", "seconds", "tflops", "percent_of_peak", "gbytes_per_second"}) {
      EXPECT_TRUE(call.at("ops")[0].contains(field)) << network << " " << field;
    }
  }
  EXPECT_GT(json.at("peak_rss_bytes").get<uint64_t>(), uint64_t{10} << 20);
  EXPECT_GE(json.at("threads").get<int>(), 1);
  for (const char* field : {"cpu", "isa", "precision", "device", "model"}) {
    EXPECT_FALSE(json.at(field).get<std::string>().empty()) << field;
  }
  EXPECT_EQ(json.at("height"), 64);
  EXPECT_EQ(json.at("width"), 128);
  EXPECT_THAT(r.errors, HasSubstr("unet: whole call 1 of 1"));
}

TEST_F(BenchCommand, TableShowsWhatWasNotSkipped) {
  const Result r =
      bench("--model=tiny --size=64x64 --frames=1 --skip=encode,decode --no-ops --repeat=2 --precision=f32");
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.output, HasSubstr("unet"));
  EXPECT_THAT(r.output, HasSubstr("f32"));
  EXPECT_THAT(r.output, testing::Not(HasSubstr("clip")));
  EXPECT_THAT(r.output, testing::Not(HasSubstr("decode ")));
  EXPECT_THAT(r.output, testing::Not(HasSubstr("each operation")));
}

TEST_F(BenchCommand, BadOptionsHaveMessages) {
  const auto errors = [](const std::string& arguments) {
    const Result r = bench("--model tiny " + arguments);
    EXPECT_EQ(r.exit_code, 2) << arguments;
    EXPECT_EQ(r.output, "") << arguments;
    return r.errors;
  };
  for (const char* size : {"100x100", "576", "x", "64x64x64", "0x64", "-64x64", "8192x64", "99999999999x64", "64x"}) {
    EXPECT_THAT(errors(fmt::format("--size={}", size)), HasSubstr("size: expected HEIGHTxWIDTH")) << size;
  }
  EXPECT_THAT(errors("--frames 0"), HasSubstr("frames"));
  EXPECT_THAT(errors("--repeat 0"), HasSubstr("repeat"));
  EXPECT_THAT(errors("--skip everything"), HasSubstr("skip"));
  EXPECT_THAT(errors("--device toaster"), HasSubstr("device"));
  EXPECT_THAT(errors("--model huge"), HasSubstr("model"));
  EXPECT_THAT(errors("--flames 3"), HasSubstr("flames"));
}

}  // namespace
}  // namespace svd::test
