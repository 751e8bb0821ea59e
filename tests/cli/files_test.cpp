// Files that are missing or wrong: what the program says, and that it says so before any work.
#include "cli_fixture.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;

class Files : public CliTest {};

TEST_F(Files, NoCheckpoint) {
  const std::string picture = png("p.png", 64, 64);
  expect_error(svd({"sample", picture, "--version=svd_xt"}), 1,
               AllOf(HasSubstr("checkpoints/svd_xt.safetensors"), HasSubstr("svd synth"),
                     HasSubstr("stabilityai/stable-video-diffusion-img2vid-xt")));
  const fs::path other = folder_ / "other";
  expect_error(svd({"sample", picture}, {.environment = {{"SVD_CHECKPOINTS", other.string()}}}), 1,
               AllOf(HasSubstr("checkpoints/svd.safetensors"), HasSubstr((other / "svd.safetensors").string())));
  expect_error(svd({"sample", picture, "--checkpoint=nowhere.safetensors"}), 1, HasSubstr("nowhere.safetensors"));
  EXPECT_EQ(files_in("outputs").size(), 0);
}

TEST_F(Files, CheckpointsThatAreNone) {
  const std::string picture = png("p.png", 64, 64);
  const auto with = [&](const fs::path& file) { return svd({"sample", picture, "--checkpoint", file.string()}); };
  expect_error(with(folder_.file("text.safetensors", "these are no weights")), 1, HasSubstr("text.safetensors"));
  expect_error(with(folder_.file("empty.safetensors", "")), 1, HasSubstr("empty.safetensors"));
  expect_error(with(folder_.path()), 1, HasSubstr(folder_.path().string()));
  fs::copy_file(tiny(), folder_ / "short.safetensors");
  fs::resize_file(folder_ / "short.safetensors", fs::file_size(tiny()) / 2);
  expect_error(with(folder_ / "short.safetensors"), 1, HasSubstr("short.safetensors"));
}

TEST_F(Files, CheckpointOfAnotherDecoder) {
  const std::string picture = png("p.png", 64, 64);
  expect_error(svd({"sample", picture, "--version=svd", "--checkpoint", tiny(Decoder::image)}), 1,
               AllOf(HasSubstr("version svd has the temporal decoder"), HasSubstr("the file has an image decoder")));
}

TEST_F(Files, Pictures) {
  expect_error(svd(sample({"nowhere.png"})), 1, HasSubstr("nowhere.png"));
  expect_error(svd(sample({folder_.file("zero.png", "").string()})), 1, HasSubstr("zero.png"));
  expect_error(svd(sample({folder_.file("text.jpg", "this is no picture\n").string()})), 1, HasSubstr("text.jpg"));
  fs::create_directories(folder_ / "none");
  folder_.file("none/a.txt", "no picture");
  expect_error(svd(sample({"none"})), 1, AllOf(HasSubstr("none"), HasSubstr(".webp")));
  expect_error(svd(sample({png("small.png", 63, 200)})), 1, AllOf(HasSubstr("small.png"), HasSubstr("63")));
  EXPECT_THAT(files_in("outputs"), Not(testing::Contains(HasSubstr(".mp4"))));
}

TEST_F(Files, OutputsThatCannotBe) {
  const std::string picture = png("p.png", 64, 64);
  const std::string file = folder_.file("file", "in the way").string();
  for (const std::string& output : {file, file + "/below"}) {
    const ProgramResult r = svd(sample({picture, "--output_folder", output}));
    expect_error(r, 1, AllOf(HasSubstr(output), Not(HasSubstr("denoising ["))));
  }
  for (const std::string& tensors : {file + "/t.safetensors", folder_.path().string()}) {
    const ProgramResult r = svd(sample({picture, "--save_tensors", tensors}));
    expect_error(r, 1, AllOf(HasSubstr("save_tensors"), Not(HasSubstr("denoising ["))));
  }
  EXPECT_EQ(content_of(file), "in the way");
}

TEST_F(Files, SaveTensorsIsForOnePicture) {
  fs::create_directories(folder_ / "two");
  png("two/a.png", 64, 64);
  png("two/b.png", 64, 64);
  expect_error(svd(sample({"two", "--save_tensors=t.safetensors"})), 2,
               AllOf(HasSubstr("save_tensors"), HasSubstr("2 pictures")));
  EXPECT_FALSE(fs::exists(folder_ / "t.safetensors"));
}

TEST_F(Files, DevicesThatAreNotThere) {
  const std::string picture = png("p.png", 64, 64);
  expect_error(svd(sample({picture, "--device=cuda"})), 1, AllOf(HasSubstr("cuda"), HasSubstr("this build")));
  expect_error(svd(sample({picture}), {.environment = {{"SVD_FORCE_ISA", "nonsense"}}}), 1,
               AllOf(HasSubstr("SVD_FORCE_ISA=nonsense"), HasSubstr("avx2")));
}

// oneDNN's own log tells which kernels ran; its choice can be limited only before it has been asked anything.
TEST_F(Files, ForcedInstructionSetReachesEveryKernel) {
  const ProgramResult r =
      svd(sample({png("p.png", 64, 64)}), {.environment = {{"SVD_FORCE_ISA", "avx2"}, {"ONEDNN_VERBOSE", "1"}}});
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("cpu, f32, avx2"));
  EXPECT_THAT(r.output, AllOf(HasSubstr("avx2"), Not(HasSubstr(":avx512")))) << "see isa.cpp";
}

// The largest picture and a thousand frames decoded at once are more than any machine has.
TEST_F(Files, WhatDoesNotFitIntoMemoryIsRefusedAtOnce) {
  write_png(folder_ / "huge.png", {2048, 1024, std::vector<uint8_t>(size_t{2048} * 1024 * 3, 128)});
  const ProgramResult r = svd(
      {"sample", "huge.png", "--checkpoint", tiny(), "--num_frames=1000", "--decoding_t=1000", "--output_folder=out"});
  expect_error(r, 1,
               AllOf(HasSubstr("GiB of memory"), HasSubstr("num_frames"), HasSubstr("what helps"),
                     HasSubstr("planned peak memory"), Not(HasSubstr("loading"))));
  EXPECT_LT(r.seconds, 20);
  EXPECT_TRUE(files_in("out").empty());
}

// Found out after the whole work otherwise: the encoder takes fewer threads than the networks.
TEST_F(Files, ManyThreadsAreNoError) {
  const ProgramResult r = svd({"sample", png("p.png", 64, 64), "--checkpoint", tiny(), "--num_frames=1",
                               "--num_steps=1", "--threads=129", "--precision=f32"});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
}

}  // namespace
}  // namespace svd::test
