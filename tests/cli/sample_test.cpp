// `svd sample` with a tiny network: what it writes, where, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "checkpoint/temporary.h"
#include "program.h"
#include "support/test_image.h"
#include "support/video_reader.h"
#include "svd/image.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Sample : public testing::Test {
 protected:
  fs::path picture(const std::string& name, int height = 64, int width = 128, int k = 0) const {
    write_png(folder_ / name, {width, height, test_image(height, width, k)});
    return folder_ / name;
  }

  // Few frames and steps, into the folder "out"; what `arguments` says goes last. CLI11 takes an option once.
  Result sample(const Arguments& arguments, Version version = Version::svd) const {
    Arguments all = {"sample", "--checkpoint=" + tiny_checkpoint(version).string(),
                     "--version=" + std::string(defaults_of(version).name)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_svd(all, {.folder = folder_.path()});
  }

  std::vector<std::string> files_in(const fs::path& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  const TemporaryFolder folder_;
  const Arguments quick_ = {"--num_frames=1", "--num_steps=1", "--output_folder=out"};

  Arguments quick(std::initializer_list<std::string> more) const {
    Arguments all = quick_;
    all.insert(all.end(), more);
    return all;
  }
};

class SampleVersions : public Sample, public testing::WithParamInterface<Version> {};

TEST_P(SampleVersions, WritesNumberedVideosAndTheirPictures) {
  const std::string name(defaults_of(GetParam()).name);
  const std::string out = "outputs/simple_video_sample/" + name + "/";
  for (const std::string number : {"000000", "000001"}) {
    const Result r = sample({picture("picture.png").string(), "--num_frames=3", "--num_steps", "2"}, GetParam());
    ASSERT_EQ(r.exit_code, 0) << r.errors;
    EXPECT_EQ(r.output, out + number + ".mp4\n");
    const Video video = read_video(folder_ / (out + number + ".mp4"));
    EXPECT_EQ(video.codec, "h264");
    EXPECT_EQ(video.pixel_format, "yuv420p");
    EXPECT_EQ(video.width, 128);
    EXPECT_EQ(video.height, 64);
    EXPECT_EQ(video.frames.size(), 3u);
    EXPECT_DOUBLE_EQ(video.fps, 7);
    EXPECT_TRUE(video.index_is_first);
    const Image copy = read_image(folder_ / (out + number + ".jpg"));
    EXPECT_EQ(copy.width, 128);
    EXPECT_EQ(copy.height, 64);
    for (const std::string& text :
         {name + " from ", std::string("128 x 64, 3 frames, 2 steps; planned peak memory: "), std::string("step 1/2"),
          std::string("step 2/2"), std::string(" per step, "), out + number + ".mp4: done in ",
          std::string("peak memory"), std::string("the model was trained on 1024 x 576")}) {
      EXPECT_THAT(r.errors, HasSubstr(text));
    }
    EXPECT_THAT(r.errors, Not(HasSubstr("\r")));  // no redrawing into a file
  }
  EXPECT_THAT(files_in(folder_ / out), testing::ElementsAre("000000.jpg", "000000.mp4", "000001.jpg", "000001.mp4"));
}

INSTANTIATE_TEST_SUITE_P(Decoders, SampleVersions, testing::Values(Version::svd, Version::svd_image_decoder),
                         [](const auto& info) { return std::string(defaults_of(info.param).name); });

TEST_F(Sample, NeverOverwrites) {
  fs::create_directories(folder_ / "out");
  folder_.file("out/000001.mp4", "a video");  // one is there, so the next would be 000001
  folder_.file("out/000002.jpg", "a picture");
  const Result r = sample(quick({picture("picture.png").string()}));
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_EQ(r.output, "out/000003.mp4\n");
  EXPECT_EQ(content_of(folder_ / "out/000001.mp4"), "a video");
  EXPECT_EQ(content_of(folder_ / "out/000002.jpg"), "a picture");
}

TEST_F(Sample, FrameRateFollowsFpsIdUnlessGiven) {
  const std::string path = picture("picture.png").string();
  ASSERT_EQ(sample(quick({path, "--fps_id=11"})).exit_code, 0);
  ASSERT_EQ(sample(quick({path, "--fps", "24"})).exit_code, 0);
  EXPECT_DOUBLE_EQ(read_video(folder_ / "out/000000.mp4").fps, 12);
  EXPECT_DOUBLE_EQ(read_video(folder_ / "out/000001.mp4").fps, 24);
}

TEST_F(Sample, QuietSaysOnlyWarnings) {
  const Result r = sample(quick({"--quiet", picture("picture.png").string()}));
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_EQ(r.output, "out/000000.mp4\n");
  EXPECT_THAT(r.errors, testing::MatchesRegex("svd: warning: [^\n]*trained on[^\n]*\n"));
}

TEST_F(Sample, ProfileSaysWhereTheTimeWent) {
  const Result r = sample(quick({picture("picture.png").string(), "--profile", "--quiet"}));
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_EQ(r.output, "out/000000.mp4\n");
  for (const char* text : {"profile: peak ", " TFLOP/s (", "in operations", "Gexp/s", "\nconv2d ", "\nattention ",
                           "\nfeed_forward ", "3x3 [1, 8, 16, 8] -> 64"}) {
    EXPECT_THAT(r.errors, HasSubstr(text));
  }
  EXPECT_THAT(sample(quick({picture("picture.png").string(), "--quiet"})).errors, Not(HasSubstr("profile")));
}

TEST_F(Sample, WatermarkCanBeLeftOut) {
  const std::string path = picture("picture.png", 256, 256).string();  // smaller ones are not marked
  for (const char* option : {"--watermark=true", "--watermark=1", "--watermark=false"}) {
    ASSERT_EQ(sample(quick({path, option})).exit_code, 0) << option;
  }
  const Video marked = read_video(folder_ / "out/000000.mp4");
  EXPECT_EQ(marked.frames, read_video(folder_ / "out/000001.mp4").frames);
  EXPECT_NE(marked.frames, read_video(folder_ / "out/000002.mp4").frames);
}

TEST_F(Sample, OddSizesAreFittedWithAWarning) {
  const Result r = sample(quick({picture("picture.png", 101, 150).string()}));
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("picture.png: 150 x 101 (width x height), expected multiples of 64; resized to "
                                  "128 x 64"));
  const Image copy = read_image(folder_ / "out/000000.jpg");
  EXPECT_EQ(copy.width, 128);
  EXPECT_EQ(copy.height, 64);
}

TEST_F(Sample, TheDemoModelGetsPicturesOfItsSize) {
  const Result r = sample(quick({picture("picture.png", 101, 150).string()}), Version::svd_demo);
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("picture.png: 150 x 101 (width x height); scaled and cropped to 192 x 128, the only "
                                  "size that svd_demo supports"));
  EXPECT_THAT(r.errors, Not(HasSubstr("trained on")));
  const Image copy = read_image(folder_ / "out/000000.jpg");
  EXPECT_EQ(copy.width, 192);
  EXPECT_EQ(copy.height, 128);
}

TEST_F(Sample, PicturesThatCannotBeUsed) {
  const std::string small = picture("small.png", 40, 40).string();
  const std::string empty = folder_.file("empty.png", "").string();
  const std::string text = folder_.file("text.jpg", "no picture at all").string();
  const std::string missing = (folder_ / "missing.png").string();
  for (const std::string& path : {small, empty, text, missing}) {
    const Result r = sample(quick({path}));
    EXPECT_EQ(r.exit_code, 1);
    EXPECT_EQ(r.output, "");
    EXPECT_THAT(r.errors, HasSubstr("svd: error: " + path + ": "));
  }
  EXPECT_TRUE(!fs::exists(folder_ / "out") || fs::is_empty(folder_ / "out"));
}

TEST_F(Sample, FolderGivesAVideoForEachPicture) {
  fs::create_directories(folder_ / "in" / "folder.jpg");
  picture("in/B.PNG", 64, 128);
  picture("in/IMG_10.Jpeg", 64, 64);
  picture("in/IMG_9.jfif", 128, 64);
  picture("in/without", 128, 128);
  folder_.file("in/bad.WebP", "");
  folder_.file("in/notes.txt", "not a picture");
  folder_.file("in/x.psd", "8BPS");
  folder_.file("in/._B.PNG", std::string("\0\5\x16\7Mac OS X", 12));
  folder_.file("in/.DS_Store", "Bud1");
  ASSERT_EQ(::mkfifo((folder_ / "in/pipe.png").c_str(), 0600), 0);
  const Result r = sample(quick({"--input_path=in"}));
  EXPECT_EQ(r.exit_code, 1);  // one of them is bad
  EXPECT_EQ(r.output, "out/000000.mp4\nout/000001.mp4\nout/000002.mp4\nout/000003.mp4\n");
  EXPECT_THAT(r.errors, HasSubstr("svd: error: in/bad.WebP: the file is empty"));
  EXPECT_THAT(r.errors,
              HasSubstr("svd: warning: in: skipped 3 files that are no pictures: notes.txt (a text), pipe.png "
                        "(not a regular file), x.psd (a Photoshop document)\n"));
  EXPECT_THAT(r.errors, Not(HasSubstr("._B")));
  EXPECT_THAT(r.errors, Not(HasSubstr("DS_Store")));
  EXPECT_THAT(r.errors, testing::EndsWith("svd: error: made 4 of 5 videos; 1 failed\n"));
  // By name: B, IMG_9, IMG_10, without.
  const std::vector<std::pair<int, int>> sizes = {{128, 64}, {64, 128}, {64, 64}, {128, 128}};
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Video video = read_video(folder_ / "out" / ("00000" + std::to_string(i) + ".mp4"));
    EXPECT_EQ(std::pair(video.width, video.height), sizes[i]) << i;
  }
}

TEST_F(Sample, FolderWithoutPictures) {
  fs::create_directories(folder_ / "in");
  folder_.file("in/notes.txt", "a note");
  const Result r = sample(quick({"in"}));
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, HasSubstr("in: no picture in this folder (input_path); skipped: notes.txt (a "
                                  "text)"));
}

TEST_F(Sample, ABadPictureDrawsNoRandomNumbers) {
  fs::create_directories(folder_ / "in");
  picture("in/2.png");
  ASSERT_EQ(sample(quick({"in"})).exit_code, 0);
  folder_.file("in/1.png", "no picture");
  ASSERT_EQ(sample(quick({"in"})).exit_code, 1);
  EXPECT_EQ(read_video(folder_ / "out/000000.mp4").frames, read_video(folder_ / "out/000001.mp4").frames);
}

TEST_F(Sample, OneRandomStreamRunsThroughAFolderUnlessReseeded) {
  fs::create_directories(folder_ / "in");
  picture("in/1.png");
  picture("in/2.png");
  ASSERT_EQ(sample(quick({"in"})).exit_code, 0);
  ASSERT_EQ(sample(quick({"in", "--seed-per-picture"})).exit_code, 0);
  const auto frames = [&](const std::string& number) { return read_video(folder_ / "out" / (number + ".mp4")).frames; };
  EXPECT_NE(frames("000000"), frames("000001"));
  EXPECT_EQ(frames("000000"), frames("000002"));
  EXPECT_EQ(frames("000002"), frames("000003"));
}

TEST_F(Sample, OutputFolderThatCannotBeWrittenIsToldBeforeTheWork) {
  const std::string path = picture("picture.png").string();
  const std::string file = folder_.file("file", "").string();
  for (const std::string& out : {file, file + "/below", std::string("/proc/nowhere")}) {
    const Result r = sample({path, "--num_frames=1", "--num_steps=1", "--output_folder", out});
    EXPECT_EQ(r.exit_code, 1);
    EXPECT_THAT(r.errors, HasSubstr("svd: error: " + out + ": "));
    EXPECT_THAT(r.errors, HasSubstr("(output_folder)"));
    EXPECT_THAT(r.errors, Not(HasSubstr("loading")));
  }
  const Result r = sample(quick({path, "--save_tensors=/proc/nowhere/tensors.safetensors"}));
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, HasSubstr("(save_tensors)"));
  EXPECT_THAT(r.errors, Not(HasSubstr("loading")));
}

TEST_F(Sample, VersionMustFitTheCheckpoint) {
  const Result r = run_svd({"sample", picture("picture.png").string(), "--checkpoint", tiny_checkpoint().string(),
                            "--version=svd_image_decoder", "--output_folder=" + (folder_ / "out").string()});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, HasSubstr("version svd_image_decoder"));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(Sample, DevicesAreNamedOrRefused) {
  const std::string path = picture("picture.png").string();
  const Result cuda = sample(quick({path, "--device", "cuda"}));
  EXPECT_EQ(cuda.exit_code, 1);
  EXPECT_THAT(cuda.errors, HasSubstr("svd: error: device cuda"));
  const Result reference = sample(quick({path, "--device=reference", "--threads=1"}));
  EXPECT_EQ(reference.exit_code, 0);
  EXPECT_THAT(reference.errors, HasSubstr(" on reference"));
  EXPECT_THAT(reference.errors, HasSubstr("1 thread"));
}

TEST_F(Sample, InstructionSetCanBeForced) {
  Arguments arguments = {"sample",         picture("picture.png").string(),
                         "--checkpoint",   tiny_checkpoint().string(),
                         "--num_frames=1", "--num_steps=1"};
  const auto forced = [&](const std::string& isa) {
    return run_svd(arguments,
                   {.folder = folder_.path(), .environment = {{"SVD_FORCE_ISA", isa}, {"ONEDNN_VERBOSE", "1"}}});
  };
  const Result nonsense = forced("nonsense");
  EXPECT_EQ(nonsense.exit_code, 1);
  EXPECT_THAT(nonsense.errors, HasSubstr("svd: error: SVD_FORCE_ISA=nonsense: unknown"));
  const Result avx2 = forced("avx2");
  if (avx2.errors.find("does not have it") != std::string::npos) GTEST_SKIP() << "no AVX2";
  EXPECT_EQ(avx2.exit_code, 0) << avx2.errors;
  EXPECT_THAT(avx2.errors, HasSubstr("cpu, bf16, avx2"));
  // In float32 the products are oneDNN's; its own log tells which of its kernels ran.
  arguments.push_back("--precision=f32");
  const Result onednn = forced("avx2");
  EXPECT_EQ(onednn.exit_code, 0) << onednn.errors;
  EXPECT_THAT(onednn.errors, HasSubstr("cpu, f32, avx2"));
  EXPECT_THAT(onednn.output, HasSubstr(":avx2"));
  EXPECT_THAT(onednn.output, Not(HasSubstr(":avx512")));
}

// A large picture and a thousand frames decoded at once are more than any machine has.
TEST_F(Sample, WhatDoesNotFitIntoMemoryIsRefusedAtOnce) {
  write_png(folder_ / "huge.png", {2048, 1024, std::vector<uint8_t>(size_t{2048} * 1024 * 3, 128)});
  const Result r = sample({"huge.png", "--num_frames=1000", "--decoding_t=1000", "--output_folder=out"});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, HasSubstr("GiB of memory"));
  EXPECT_THAT(r.errors, HasSubstr("decoding_t"));
  EXPECT_THAT(r.errors, HasSubstr("planned peak memory"));
  EXPECT_THAT(r.errors, Not(HasSubstr("loading")));
  EXPECT_TRUE(files_in(folder_ / "out").empty());
}

// The encoder takes fewer threads than the networks: found out only after the whole work otherwise.
TEST_F(Sample, ManyThreadsAreNoError) {
  const Result r = sample(quick({picture("picture.png").string(), "--threads=129", "--precision=f32"}));
  EXPECT_EQ(r.exit_code, 0) << r.errors;
}

}  // namespace
}  // namespace svd::test
