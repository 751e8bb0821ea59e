// What a user is told when files, folders and outputs are not as they should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "checkpoint/temporary.h"
#include "program.h"
#include "support/test_image.h"
#include "svd/image.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Messages : public testing::Test {
 protected:
  std::string picture(const std::string& name) const {
    write_png(folder_ / name, {128, 64, test_image(64, 128, 0)});
    return (folder_ / name).string();
  }

  Arguments sampling(const Arguments& more) const {
    Arguments all = {"sample", "--checkpoint=" + tiny_checkpoint().string(), "--num_frames=1", "--num_steps=1"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  // Under a shell's redirections and limits.
  Result shell(const std::string& before, const Arguments& arguments, const std::string& after) const {
    std::string line = before + " '" SVD_PROGRAM "'";
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    line += " " + after + " 2> '" + (folder_ / "errors").string() + "'";
    const int status = std::system(
        ("export OMP_WAIT_POLICY=passive; cd '" + folder_.path().string() + "' && { " + line + "; }").c_str());
    return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .output = {},
            .errors = content_of(folder_ / "errors")};
  }

  const TemporaryFolder folder_;
};

size_t count(const std::string& text, const std::string& piece) {
  size_t n = 0;
  for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + 1)) ++n;
  return n;
}

TEST_F(Messages, AFileIsNamedOnce) {
  const std::string huge = (folder_ / "huge.png").string();
  fs::copy_file(SVD_SOURCE_DIR "/tests/media/data/claims_100000x100000.png", huge);
  write_png(folder_ / "small.png", {40, 40, test_image(40, 40, 0)});
  for (const std::string& path : {huge, (folder_ / "small.png").string()}) {
    const Result r = run_svd(sampling({path}), {.folder = folder_.path()});
    EXPECT_EQ(r.exit_code, 1);
    EXPECT_EQ(count(r.errors, path), 1u) << r.errors;
    EXPECT_THAT(r.errors, Not(HasSubstr("()")));  // no function of C++
  }
}

TEST_F(Messages, ALinkToNothingIsCalledThat) {
  fs::create_symlink("nowhere", folder_ / "link");
  const Result in = run_svd(sampling({"link"}), {.folder = folder_.path()});
  EXPECT_EQ(in.exit_code, 1);
  EXPECT_THAT(in.errors, HasSubstr("svd: error: link: a link to nowhere, which does not exist (input_path)"));
  const Result out = run_svd(sampling({picture("a.png"), "--output_folder=link"}), {.folder = folder_.path()});
  EXPECT_EQ(out.exit_code, 1);
  EXPECT_THAT(out.errors, HasSubstr("svd: error: link: a link to nowhere, which does not exist (output_folder)"));
  const Result below = run_svd(sampling({picture("a.png"), "--output_folder=link/x"}), {.folder = folder_.path()});
  EXPECT_EQ(below.exit_code, 1);
  EXPECT_THAT(below.errors, AllOf(HasSubstr("link: a link to nowhere"), Not(HasSubstr("File exists"))));
}

TEST_F(Messages, AWorkingFolderThatIsGoneHidesNothing) {
  fs::create_directories(folder_ / "gone");
  const std::string out = (folder_ / "out").string();
  const Result demo =
      shell("cd gone && rmdir ../gone &&",
            {"sample", "--version=svd_demo", "--num_frames=1", "--num_steps=1", "--output_folder", out}, "> /dev/null");
  EXPECT_EQ(demo.exit_code, 0) << demo.errors;
  EXPECT_TRUE(fs::exists(folder_ / "out/000000.mp4"));
  fs::create_directories(folder_ / "gone");
  const Result svd = shell("cd gone && rmdir ../gone &&", {"sample", "--num_frames=1"}, "> /dev/null");
  EXPECT_EQ(svd.exit_code, 1);
  EXPECT_THAT(svd.errors, AllOf(HasSubstr("no checkpoint for version svd"), Not(HasSubstr("filesystem error"))));
}

TEST_F(Messages, AnOutputThatCannotBeWrittenIsAFailure) {
  for (const Arguments& arguments :
       {sampling({picture("a.png"), "--output_folder=out"}), Arguments{"info", tiny_checkpoint().string()},
        Arguments{"info", "--json", tiny_checkpoint().string()}, Arguments{"--version"}, Arguments{"--help"}}) {
    const Result r = shell("", arguments, "> /dev/full");
    EXPECT_EQ(r.exit_code, 1) << arguments.front();
    EXPECT_THAT(r.errors, HasSubstr("svd: error: standard output cannot be written: No space left on device"));
  }
  EXPECT_TRUE(fs::exists(folder_ / "out/000000.mp4"));  // it is there all the same
}

TEST_F(Messages, AFileThatMayNotGrowIsAnErrorAndLeavesNothing) {
  const std::string path = picture("a.png");
  const Result r = shell("ulimit -f 2;", sampling({path, "--output_folder=out", "--quiet"}), "> /dev/null");
  EXPECT_EQ(r.exit_code, 1) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("cannot be written"));
  EXPECT_TRUE(fs::is_empty(folder_ / "out"));
}

TEST_F(Messages, AShardIsNamedWithItsSet) {
  const std::string path = folder_.file("model-00002-of-00003.safetensors", "").string();
  const Result r = run_svd({"sample", picture("a.png"), "--checkpoint", path});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, AllOf(HasSubstr("file 2 of 3 of a checkpoint that was split"),
                              HasSubstr("model-*-of-00003.safetensors")));
  fs::copy_file(tiny_checkpoint(), path, fs::copy_options::overwrite_existing);
  EXPECT_THAT(run_svd({"info", path}).output, HasSubstr("version: file 2 of 3 of a checkpoint that was split"));
}

TEST_F(Messages, SmallDamageIsAWarning) {
  const std::string path = (folder_ / "a.jpg").string();
  write_jpeg(path, {128, 64, test_image(64, 128, 0)});
  fs::resize_file(path, fs::file_size(path) - 2);
  const Result r = run_svd(sampling({path}), {.folder = folder_.path()});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("svd: warning: " + path + ": the JPEG file has no end marker"));
}

TEST_F(Messages, ColourProfilesAreConvertedUnlessIgnored) {
  const std::string path = SVD_SOURCE_DIR "/tests/media/data/p3.png";
  const Arguments common = {
      "sample", path, "--version=svd_demo", "--num_frames=1", "--num_steps=1", "--output_folder=out"};
  ASSERT_EQ(run_svd(common, {.folder = folder_.path()}).exit_code, 0);
  Arguments ignoring = common;
  ignoring.push_back("--color=ignore");
  ASSERT_EQ(run_svd(ignoring, {.folder = folder_.path()}).exit_code, 0);
  EXPECT_NE(read_image(folder_ / "out/000000.jpg"), read_image(folder_ / "out/000001.jpg"));
}

}  // namespace
}  // namespace svd::test
