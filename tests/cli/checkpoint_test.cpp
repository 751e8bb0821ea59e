// Checkpoints that are missing, wrong or whole: `svd info`, `svd synth` and the messages of `svd sample`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/safetensors.h"
#include "checkpoint/temporary.h"
#include "program.h"
#include "support/test_image.h"
#include "svd/image.h"

namespace svd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Published {
  std::string version, repository, size;
};

class MissingCheckpoint : public testing::TestWithParam<Published> {};

TEST_P(MissingCheckpoint, SaysWhatToGetAndWhereItBelongs) {
  const auto& [version, repository, size] = GetParam();
  const TemporaryFolder folder;
  const std::string picture = folder.file("picture.png", "").string();
  const Result r = run_svd({"sample", picture, "--version", version},
                           {.folder = folder.path(), .environment = {{"SVD_CHECKPOINTS", "/somewhere/else"}}});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_EQ(r.output, "");
  const std::string file = version + ".safetensors";
  for (const std::string& text :
       {(folder / "checkpoints" / file).string() + "\n", "/somewhere/else/" + file + "\n", file + " (" + size + ")",
        "https://huggingface.co/stabilityai/" + repository + " ", std::string("licence"),
        std::string("svd sample --version svd_demo"), std::string("--checkpoint")}) {
    EXPECT_THAT(r.errors, HasSubstr(text));
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "outputs"));
}

INSTANTIATE_TEST_SUITE_P(Versions, MissingCheckpoint,
                         testing::Values(Published{"svd", "stable-video-diffusion-img2vid", "9.56 GB"},
                                         Published{"svd_xt", "stable-video-diffusion-img2vid-xt", "9.56 GB"},
                                         Published{"svd_image_decoder", "stable-video-diffusion-img2vid", "9.5 GB"},
                                         Published{"svd_xt_image_decoder", "stable-video-diffusion-img2vid-xt",
                                                   "9.5 GB"},
                                         Published{"svd_xt_1_1", "stable-video-diffusion-img2vid-xt-1-1", "4.78 GB"}),
                         [](const auto& info) { return info.param.version; });

TEST(Checkpoint, IsFoundInTheUsualPlaces) {
  const TemporaryFolder folder;
  const std::string picture = folder.file("picture.png", "").string();
  const auto errors_with = [&](const std::string& place, const std::string& variable) {
    std::filesystem::create_directories((folder / place).parent_path());
    folder.file(place, "no checkpoint");
    const Result r =
        run_svd({"sample", picture}, {.folder = folder.path(), .environment = {{"SVD_CHECKPOINTS", variable}}});
    EXPECT_EQ(r.exit_code, 1);
    std::filesystem::remove(folder / place);
    return r.errors;
  };
  EXPECT_THAT(errors_with("checkpoints/svd.safetensors", ""), HasSubstr("svd: error: checkpoints/svd.safetensors: "));
  EXPECT_THAT(errors_with("weights/svd.safetensors", (folder / "weights").string()),
              HasSubstr((folder / "weights/svd.safetensors").string() + ": "));
  EXPECT_THAT(errors_with("weights/checkpoints/svd.safetensors", (folder / "weights").string()),
              HasSubstr((folder / "weights/checkpoints/svd.safetensors").string() + ": "));
}

TEST(Checkpoint, OfTheDemoModelComesWithTheProgramAndGivesWayToAnother) {
  const TemporaryFolder folder;
  const Arguments arguments = {"sample", "--version=svd_demo", "--num_frames=1", "--num_steps=1"};
  const Result r = run_svd(arguments, {.folder = folder.path()});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("svd_demo from " SVD_SOURCE_DIR "/models/svd_demo.safetensors on "));
  EXPECT_THAT(r.errors, HasSubstr("assets/toys.png: 192 x 128, 1 frames, 1 steps"));
  EXPECT_THAT(r.errors, Not(HasSubstr("warning")));
  std::filesystem::create_directories(folder / "checkpoints");
  folder.file("checkpoints/svd_demo.safetensors", "no checkpoint");
  EXPECT_THAT(run_svd(arguments, {.folder = folder.path()}).errors,
              HasSubstr("svd: error: checkpoints/svd_demo.safetensors: "));
}

TEST(Checkpoint, OtherFilesAreNamedAndRefused) {
  const TemporaryFolder folder;
  const std::string picture = folder.file("picture.png", "").string();
  for (const std::string& path :
       {folder.file("text.safetensors", "This is a text, long enough to be taken for something.\n").string(),
        folder.file("empty.safetensors", "").string(), folder.path().string(), (folder / "missing").string(),
        folder.file("html.safetensors", "<!DOCTYPE html><html><body>Please log in</body></html>").string()}) {
    for (const Arguments& arguments : {Arguments{"sample", picture, "--checkpoint", path}, Arguments{"info", path},
                                       Arguments{"info", "--json", path}}) {
      const Result r = run_svd(arguments, {.folder = folder.path()});
      EXPECT_EQ(r.exit_code, 1) << path;
      EXPECT_EQ(r.output, "") << path;
      EXPECT_THAT(r.errors, testing::StartsWith("svd: error: " + path + ": "));
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "outputs"));
}

TEST(Info, DescribesAWholeCheckpoint) {
  const Result r = run_svd({"info", tiny_checkpoint().string()});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_EQ(r.errors, "");
  for (const char* text : {"UNet", "CLIP image tower", "VAE encoder", "VAE decoder", "temporal", "64 128 256 256",
                           "f16", "complete", "million parameters", "\nunused: "}) {
    EXPECT_THAT(r.output, HasSubstr(text));
  }
  EXPECT_THAT(r.output, Not(HasSubstr("missing")));
}

TEST(Info, JsonSaysTheSame) {
  for (const Version version : {Version::svd, Version::svd_image_decoder}) {
    const std::filesystem::path path = tiny_checkpoint(version);
    const Result r = run_svd({"info", "--json", path.string()});
    EXPECT_EQ(r.exit_code, 0) << r.errors;
    const nlohmann::json json = nlohmann::json::parse(r.output);
    EXPECT_EQ(json.at("bytes"), std::filesystem::file_size(path));
    EXPECT_EQ(json.at("complete"), true);
    EXPECT_THAT(json.at("version").get<std::string>(), HasSubstr(defaults_of(version).name));
    ASSERT_EQ(json.at("parts").size(), 4u);
    uint64_t bytes = 0;
    for (const nlohmann::json& part : json.at("parts")) {
      EXPECT_GT(part.at("tensors").get<int>(), 10);
      EXPECT_GT(part.at("parameters").get<int64_t>(), 100000);
      EXPECT_EQ(part.at("bytes").get<int64_t>(), 2 * part.at("parameters").get<int64_t>());
      EXPECT_EQ(part.at("dtypes").at("f16"), part.at("tensors"));
      EXPECT_TRUE(part.at("missing").empty());
      EXPECT_TRUE(part.at("problems").empty());
      bytes += part.at("bytes").get<uint64_t>();
    }
    EXPECT_LT(bytes, json.at("bytes").get<uint64_t>());
  }
}

TEST(Info, NamesWhatIsMissingOrMisshapen) {
  const TemporaryFolder folder;
  const std::string missing = "model.diffusion_model.out.2.bias";
  const std::string misshapen = "first_stage_model.decoder.conv_in.bias";
  const SafetensorsFile whole(tiny_checkpoint());
  std::map<std::string, TensorBytes, std::less<>> tensors;
  std::vector<std::byte> unused;  // the tensors are read where they lie
  for (const auto& [name, info] : whole.index()) {
    if (name != missing) tensors[name] = {info, whole.read(name, unused)};
  }
  ASSERT_TRUE(unused.empty());
  tensors.at(misshapen).info.shape = Shape{1, tensors.at(misshapen).info.shape[0]};
  const std::string path = (folder / "part.safetensors").string();
  write_safetensors(path, tensors);

  const Result text = run_svd({"info", path});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.output, HasSubstr("missing: " + missing + " [4]\n"));
  EXPECT_THAT(text.output, HasSubstr(misshapen));
  EXPECT_THAT(text.output, HasSubstr("\nINCOMPLETE: this file cannot be used\n"));

  const Result r = run_svd({"info", "--json", path});
  EXPECT_EQ(r.exit_code, 1);
  const nlohmann::json json = nlohmann::json::parse(r.output);
  EXPECT_EQ(json.at("complete"), false);
  EXPECT_EQ(json.at("parts")[0].at("missing"), nlohmann::json({missing}));
  EXPECT_EQ(json.at("parts")[3].at("problems").size(), 1u);
  EXPECT_TRUE(json.at("parts")[1].at("missing").empty());

  write_png(folder / "picture.png", {128, 64, test_image(64, 128, 0)});
  const Result sampled = run_svd({"sample", (folder / "picture.png").string(), "--checkpoint", path});
  EXPECT_EQ(sampled.exit_code, 1);
  EXPECT_THAT(sampled.errors, HasSubstr("the model lacks " + missing + " [4]. "));
}

TEST(Info, AnotherModelsFileHasAProblemInEveryPart) {
  const TemporaryFolder folder;
  const std::vector<std::byte> bytes(16);
  const std::string path = (folder / "other.safetensors").string();
  write_safetensors(path, {{"lora.weight", {{Shape{4}, DType::f32}, bytes}}}, {{"format", "\x1b[31mpt"}});
  const Result text = run_svd({"info", path});
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.output, HasSubstr("not a Stable Video Diffusion checkpoint"));
  EXPECT_THAT(text.output, Not(HasSubstr("\x1b")));  // nothing of the file reaches the terminal as it is
  const Result r = run_svd({"info", "--json", path});
  EXPECT_EQ(r.exit_code, 1);
  const nlohmann::json json = nlohmann::json::parse(r.output);
  EXPECT_EQ(json.at("unused"), 1);
  for (const nlohmann::json& part : json.at("parts")) EXPECT_EQ(part.at("problems").size(), 1u);
}

TEST(Synth, OverwritesOnlyWhenTold) {
  const TemporaryFolder folder;
  const std::string path = folder.file("tiny.safetensors", "precious").string();
  const Result refused = run_svd({"synth", "--output", path});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr(path + ": the file exists; --force"));
  EXPECT_EQ(content_of(path), "precious");
  const Result forced = run_svd({"synth", "--output", path, "--force", "--dtype=bf16"});
  EXPECT_EQ(forced.exit_code, 0) << forced.errors;
  EXPECT_EQ(forced.output, "");
  EXPECT_EQ(SafetensorsFile(path).index().begin()->second.type, DType::bf16);
}

TEST(Synth, SaysWhenTheFileCannotBeWritten) {
  const Result r = run_svd({"synth", "--output", "/proc/nowhere/tiny.safetensors"});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.errors, HasSubstr("/proc/nowhere: the folder cannot be created"));
}

}  // namespace
}  // namespace svd::test
