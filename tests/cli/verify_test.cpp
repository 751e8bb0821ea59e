// `svd info --verify`: damage that leaves the header whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors_header.h"
#include "checkpoint/temporary.h"
#include "program.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Verify : public testing::Test {
 protected:
  const std::string whole_ = content_of(tiny_checkpoint());
  const SafetensorsHeader header_ = parse_safetensors(std::as_bytes(std::span(whole_)), "whole");
  const TemporaryFolder folder_;
};

TEST_F(Verify, AGoodFileHasTheSumThatOthersPrint) {
  const Result r = run_svd({"info", "--verify", folder_.file("a.safetensors", whole_).string()});
  EXPECT_EQ(r.exit_code, 0) << r.output;
  EXPECT_THAT(r.output, AllOf(HasSubstr("complete\n"), HasSubstr("no damage found")));
  const std::string command =
      "sha256sum '" + (folder_ / "a.safetensors").string() + "' > '" + (folder_ / "sum").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_THAT(r.output, HasSubstr("sha256: " + content_of(folder_ / "sum").substr(0, 64) + "\n"));
}

TEST_F(Verify, TheDemoModelIsGood) {
  EXPECT_EQ(run_svd({"info", "--verify", SVD_SOURCE_DIR "/models/svd_demo.safetensors"}).exit_code, 0);
}

TEST_F(Verify, OneNanIsFoundWithItsPlace) {
  const std::string name = "first_stage_model.decoder.conv_in.weight";
  const uint64_t place = header_.tensors.at(name).begin + 2 * 5;  // float16
  std::string damaged = whole_;
  damaged.replace(place, 2, std::string("\0\x7e", 2));
  const std::string path = folder_.file("nan.safetensors", damaged).string();
  const Result text = run_svd({"info", "--verify", path});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.output, AllOf(HasSubstr("damage: \"" + name + "\", byte " + std::to_string(place) + " of the file"),
                                 HasSubstr("NaN, the first is value 5"), HasSubstr("DAMAGED")));
  const Result r = run_svd({"info", "--verify", "--json", path});
  EXPECT_EQ(r.exit_code, 1);
  const nlohmann::json damage = nlohmann::json::parse(r.output).at("damage");
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_EQ(damage[0].at("tensor"), name);
  EXPECT_EQ(damage[0].at("offset"), place);
  EXPECT_EQ(run_svd({"info", path}).exit_code, 0);  // only the header is read
}

TEST_F(Verify, AnInterruptedDownloadIsCalledThat) {
  std::string damaged = whole_;
  std::fill(damaged.begin() + static_cast<std::ptrdiff_t>(damaged.size()) * 2 / 3, damaged.end(), '\0');
  const Result r = run_svd({"info", "--verify", folder_.file("zeroed.safetensors", damaged).string()});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.output, AllOf(HasSubstr("are zero in one piece"), HasSubstr("values are zero\n"),
                              HasSubstr("more tensors"), HasSubstr("DAMAGED: parts of the file were never written")));
}

// Large as the real ones are, but all of it a hole, which takes no space on the disk.
TEST_F(Verify, AnInterruptEndsItAtOnce) {
  const std::string header = R"({"t":{"dtype":"U8","shape":[5000000000],"data_offsets":[0,5000000000]}})";
  const std::filesystem::path path = folder_.file("large.safetensors", raw_safetensors(header, 0));
  std::filesystem::resize_file(path, 8 + header.size() + 5'000'000'000);
  Program program({"info", "--verify", path.string()});
  ASSERT_TRUE(program.wait_for_errors("verifying ["));  // it says how far it is
  program.send(SIGINT);
  const Result r = program.finish();
  EXPECT_EQ(r.exit_code, 130);
  EXPECT_EQ(r.output, "");
  EXPECT_THAT(r.errors, testing::EndsWith("svd: stopped\n"));
}

}  // namespace
}  // namespace svd::test
