// Ctrl-C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "checkpoint/temporary.h"
#include "program.h"
#include "support/test_image.h"
#include "svd/image.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

class Interrupt : public testing::Test {
 protected:
  Interrupt() { write_png(folder_ / "picture.png", {128, 64, test_image(64, 128, 0)}); }

  // Minutes of work.
  Arguments long_run() const {
    return {"sample",           "picture.png",     "--checkpoint",        tiny_checkpoint().string(),
            "--num_steps=1000", "--num_frames=14", "--output_folder=out", "--save_tensors=out/tensors.safetensors"};
  }

  const TemporaryFolder folder_;
};

TEST_F(Interrupt, EndsTheRunAndLeavesNothing) {
  for (const auto& [signal, exit_code] : {std::pair(SIGINT, 130), std::pair(SIGTERM, 143)}) {
    Program program(long_run(), {.folder = folder_.path()});
    ASSERT_TRUE(program.wait_for_errors("step 1/1000"));
    program.send(signal);
    const Result r = program.finish();
    EXPECT_EQ(r.exit_code, exit_code) << r.errors;
    EXPECT_EQ(r.output, "");
    EXPECT_THAT(r.errors, HasSubstr("\nsvd: cancelled while denoising\n"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
  }
}

TEST_F(Interrupt, EndsSynthAndLeavesNothing) {
  Program program({"synth", "--size=full", "--output=out/full.safetensors"}, {.folder = folder_.path()});
  const auto begun = [&] {  // the file grows under its temporary name
    if (!std::filesystem::exists(folder_ / "out")) return false;
    const std::filesystem::directory_iterator files(folder_ / "out");
    return std::any_of(begin(files), end(files),
                       [](const auto& f) { return f.path().string().find(".part") != std::string::npos; });
  };
  for (int i = 0; i < 1000 && !begun(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(begun());
  program.send(SIGINT);
  const Result r = program.finish();
  EXPECT_EQ(r.exit_code, 130) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("full.safetensors was not written"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
}

TEST_F(Interrupt, TwiceEndsAtOnce) {
  Program program(long_run(), {.folder = folder_.path()});
  ASSERT_TRUE(program.wait_for_errors("step 1/1000"));
  program.send(SIGINT);
  program.send(SIGINT);
  EXPECT_EQ(program.finish().exit_code, 130);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "out"));
}

TEST_F(Interrupt, EndsAFolder) {
  write_png(folder_ / "in/1.png", {128, 64, test_image(64, 128, 0)});
  write_png(folder_ / "in/2.png", {128, 64, test_image(64, 128, 0)});
  Program program({"sample", "in", "--checkpoint", tiny_checkpoint().string(), "--num_steps=1000"},
                  {.folder = folder_.path()});
  ASSERT_TRUE(program.wait_for_errors("step 1/1000"));
  program.send(SIGINT);
  const Result r = program.finish();
  EXPECT_EQ(r.exit_code, 130) << r.errors;
  EXPECT_THAT(r.errors, testing::Not(HasSubstr("in/2.png")));
}

TEST_F(Interrupt, BundledPictureIsTheDefault) {
  Program program({"sample", "--checkpoint", tiny_checkpoint().string()}, {.folder = folder_.path()});
  ASSERT_TRUE(program.wait_for_errors("rocket.jpg: 1024 x 576, 14 frames, 25 steps; planned peak memory"));
  ASSERT_TRUE(program.wait_for_errors("loading"));
  program.send(SIGINT);
  const Result r = program.finish();
  EXPECT_EQ(r.exit_code, 130) << r.errors;
  EXPECT_THAT(r.errors, testing::Not(HasSubstr("warning")));  // it has the right size
}

}  // namespace
}  // namespace svd::test
