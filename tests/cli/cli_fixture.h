// What the tests of the program share: a folder to run it in, pictures, checkpoints.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "checkpoint/temporary.h"
#include "run_program.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"
#include "svd/image.h"

namespace svd::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Arguments = std::vector<std::string>;

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class CliTest : public testing::Test {
 protected:
  // In the test's folder, with none of the program's variables set but those given.
  ProgramResult svd(const Arguments& arguments, RunOptions options = {}) const {
    options.folder = folder_.path();
    options.environment.try_emplace("SVD_CHECKPOINTS", std::nullopt);
    options.environment.try_emplace("SVD_FORCE_ISA", std::nullopt);
    ProgramResult result = run_program(SVD_PROGRAM, arguments, options);
    EXPECT_FALSE(result.timed_out) << result.errors;
    return result;
  }

  // Exit code and message of a call that goes wrong.
  void expect_error(const ProgramResult& r, int exit_code, const testing::Matcher<const std::string&>& message) const {
    EXPECT_EQ(r.exit_code, exit_code) << r.errors;
    EXPECT_EQ(r.output, "");
    EXPECT_THAT("\n" + r.errors, HasSubstr("\nsvd: error: "));
    EXPECT_THAT(r.errors, message);
  }

  // The smallest work that still is a video.
  Arguments sample(const Arguments& more, Decoder decoder = Decoder::temporal) const {
    return Arguments{"sample",        "--checkpoint", tiny(decoder),    "--num_frames=2",
                     "--num_steps=1", "--threads=2",  "--precision=f32"} +
           more;
  }

  static std::string tiny(Decoder decoder = Decoder::temporal) { return tiny_checkpoint(decoder).string(); }

  static Image image(int width, int height, int k = 0) { return {width, height, test_image(height, width, k)}; }

  std::string png(std::string_view name, int width, int height, int k = 0) const {
    write_png(folder_ / name, image(width, height, k));
    return (folder_ / name).string();
  }

  // Names of the files below a folder of the test's, hidden ones too.
  std::set<std::string> files_in(std::string_view name) const {
    namespace fs = std::filesystem;
    std::set<std::string> names;
    if (!fs::exists(folder_ / name)) return names;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / name)) {
      names.insert(fs::relative(entry.path(), folder_ / name).string());
    }
    return names;
  }

  TemporaryFolder folder_;
};

}  // namespace svd::test
