// The program from options to --save_tensors, against the reference implementation.
#include "support/golden.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "checkpoint/temporary.h"
#include "program.h"
#include "support/test_image.h"
#include "svd/image.h"

namespace svd::test {
namespace {

std::vector<float> floats(const SafetensorsFile& file, const std::string& name) {
  std::vector<std::byte> storage;
  const std::span<const std::byte> bytes = file.read(name, storage);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

class SaveTensors : public testing::TestWithParam<std::string> {};

TEST_P(SaveTensors, AreThoseOfTheReference) {
  const TemporaryFolder folder;
  // tests/golden/README.md: the settings of tiny_svd_pipeline; its weights are in float32.
  const std::string checkpoint = (folder / "tiny.safetensors").string();
  ASSERT_EQ(run_svd({"synth", "--dtype=f32", "--output=" + checkpoint}).exit_code, 0);
  write_png(folder / "picture.png", {128, 64, test_image(64, 128, 0)});
  const Result r = run_svd({"sample", "picture.png", "--checkpoint=" + checkpoint, "--num_steps=5", "--num_frames=4",
                            "--decoding_t=3", "--seed=23", GetParam(), "--save_tensors=new/tensors.safetensors"},
                           {.folder = folder.path()});
  ASSERT_EQ(r.exit_code, 0) << r.errors;

  const GoldenFile golden("tiny_svd_pipeline.safetensors");
  const SafetensorsFile saved(folder / "new/tensors.safetensors");
  for (const char* name :
       {"cond_frames", "clip_preprocessed", "clip_embedding", "concat_latent", "vector", "init_noise", "sigmas",
        "first_step_cond_denoised", "first_step_uncond_denoised", "latents", "decoded"}) {
    ASSERT_TRUE(saved.index().contains(name)) << name;
    EXPECT_EQ(saved.index().find(name)->second.shape, golden.shape(name)) << name;
    EXPECT_LE(relative_l2(floats(saved, name), golden.f32(name)), 1e-4) << name;
  }

  std::vector<std::byte> storage;
  const std::span<const std::byte> frames = saved.read("frames_u8", storage);
  const std::vector<uint8_t> expected = golden.u8("frames_u8");
  ASSERT_EQ(frames.size(), expected.size());
  size_t close = 0;
  for (size_t i = 0; i < frames.size(); ++i) close += std::abs(static_cast<int>(frames[i]) - int{expected[i]}) <= 1;
  EXPECT_GE(static_cast<double>(close), 0.999 * static_cast<double>(frames.size()));
}

INSTANTIATE_TEST_SUITE_P(Backends, SaveTensors, testing::Values("--precision=f32", "--device=reference"),
                         [](const auto& info) { return info.index == 0 ? "cpu_f32" : "reference"; });

TEST(SaveTensorsOption, TakesOnePicture) {
  const TemporaryFolder folder;
  for (const char* name : {"1.png", "2.png"}) write_png(folder / name, {128, 64, test_image(64, 128, 0)});
  const Result r = run_svd({"sample", ".", "--save_tensors=t.safetensors"}, {.folder = folder.path()});
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(r.errors,
              testing::HasSubstr("save_tensors: the file holds the tensors of one picture, but input_path names 2; "));
}

}  // namespace
}  // namespace svd::test
