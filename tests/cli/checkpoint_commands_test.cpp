// svd synth and svd info.
#include <nlohmann/json.hpp>

#include "checkpoint/synthetic.h"
#include "cli_fixture.h"
#include "models/checkpoint_layout.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;

class CheckpointCommands : public CliTest {};

TEST_F(CheckpointCommands, SynthWritesWhatTheLibraryWrites) {
  const ProgramResult r = svd({"synth", "--output=new/t.safetensors", "--version", "svd_image_decoder"});
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_EQ(r.output, "");
  EXPECT_EQ(files_in("new"), std::set<std::string>{"t.safetensors"});
  EXPECT_TRUE(content_of(folder_ / "new/t.safetensors") == content_of(tiny(Decoder::image)));
}

TEST_F(CheckpointCommands, SynthOverwritesOnlyWhenForced) {
  const fs::path file = folder_.file("precious.safetensors", "precious");
  expect_error(svd({"synth", "--output", file.string()}), 1,
               AllOf(HasSubstr("precious.safetensors"), HasSubstr("--force")));
  EXPECT_EQ(content_of(file), "precious");
  const ProgramResult r = svd({"synth", "--force", "--dtype=bf16", "--output", file.string()});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
  EXPECT_GT(fs::file_size(file), 1'000'000);
}

TEST_F(CheckpointCommands, InterruptedSynthLeavesNothing) {
  const ProgramResult r =
      svd({"synth", "--size=full", "--output=out/full.safetensors", "--threads=2"},
          {.interrupt_when = [this](const std::string&) {  // the file has begun to grow under its temporary name
            for (const std::string& name : files_in("out")) {
              if (name.find(".part") != std::string::npos) return true;
            }
            return false;
          }});
  EXPECT_EQ(r.exit_code, 130) << r.errors;
  EXPECT_THAT(r.errors, HasSubstr("full.safetensors was not written"));
  EXPECT_TRUE(files_in("out").empty());
}

TEST_F(CheckpointCommands, SynthRefusesUnknownSizesAndTypes) {
  expect_error(svd({"synth", "--output=t", "--size=huge"}), 2, AllOf(HasSubstr("--size"), HasSubstr("huge")));
  expect_error(svd({"synth", "--output=t", "--dtype=f8"}), 2, AllOf(HasSubstr("--dtype"), HasSubstr("f8")));
}

TEST_F(CheckpointCommands, InfoOfAWholeFile) {
  const ProgramResult r = svd({"info", tiny()});
  EXPECT_EQ(r.exit_code, 0) << r.errors;
  for (const char* text : {"UNet (model.diffusion_model)", "CLIP image tower", "VAE encoder", "VAE decoder", "temporal",
                           "f16", "\ncomplete\n"}) {
    EXPECT_THAT(r.output, HasSubstr(text));
  }
  EXPECT_THAT(r.output, AllOf(Not(HasSubstr("missing")), Not(HasSubstr("problem"))));
  EXPECT_THAT(svd({"info", tiny(Decoder::image)}).output,
              AllOf(HasSubstr("frame by frame"), HasSubstr("svd_image_decoder"), HasSubstr("\ncomplete\n")));
}

TEST_F(CheckpointCommands, InfoAsJson) {
  const ProgramResult r = svd({"info", "--json", tiny()});
  ASSERT_EQ(r.exit_code, 0) << r.errors;
  const nlohmann::json json = nlohmann::json::parse(r.output);
  EXPECT_EQ(json.at("path"), tiny());
  EXPECT_EQ(json.at("bytes"), fs::file_size(tiny()));
  EXPECT_EQ(json.at("complete"), true);
  ASSERT_EQ(json.at("parts").size(), 4);
  for (const nlohmann::json& part : json.at("parts")) {
    EXPECT_GT(part.at("tensors").get<int>(), 0) << part;
    EXPECT_EQ(part.at("bytes").get<uint64_t>(), 2 * part.at("parameters").get<uint64_t>()) << part;
    EXPECT_EQ(part.at("dtypes").at("f16"), part.at("tensors")) << part;
    EXPECT_TRUE(part.at("missing").empty() && part.at("problems").empty()) << part;
  }
}

TEST_F(CheckpointCommands, WhatIsMissingIsNamed) {
  ShapeList shapes = checkpoint_layout(synthetic_config("tiny", true), TextSide::no);
  const std::string of_unet = "model.diffusion_model.middle_block.0.in_layers.2.weight";
  const std::string of_clip = "conditioner.embedders.0.open_clip.model.visual.ln_post.bias";
  ASSERT_EQ(shapes.erase(of_unet), 1);
  ASSERT_EQ(shapes.erase(of_clip), 1);
  const fs::path file = folder_ / "part.safetensors";
  write_synthetic(file, shapes, DType::f16, Threads(2));

  const ProgramResult text = svd({"info", file.string()});
  EXPECT_EQ(text.exit_code, 1) << text.errors;
  EXPECT_THAT(text.output, AllOf(HasSubstr(of_unet), HasSubstr(of_clip), HasSubstr("NOT COMPLETE")));

  const ProgramResult json_run = svd({"info", "--json", file.string()});
  EXPECT_EQ(json_run.exit_code, 1);
  const nlohmann::json json = nlohmann::json::parse(json_run.output);
  EXPECT_EQ(json.at("complete"), false);
  EXPECT_EQ(json.at("parts")[0].at("missing"), nlohmann::json({of_unet}));

  expect_error(svd({"sample", png("p.png", 64, 64), "--checkpoint", file.string()}), 1,
               AllOf(HasSubstr("part.safetensors"), HasSubstr(of_unet), HasSubstr(of_clip)));
}

TEST_F(CheckpointCommands, InfoOfWhatIsNoCheckpoint) {
  expect_error(svd({"info", "nowhere.safetensors"}), 1, HasSubstr("nowhere.safetensors"));
  expect_error(svd({"info", folder_.file("text.safetensors", "these are no weights").string()}), 1,
               HasSubstr("text.safetensors"));
  const ProgramResult r = svd({"info", folder_.file("other.safetensors", raw_safetensors("{}", 0)).string()});
  EXPECT_EQ(r.exit_code, 1);
  EXPECT_THAT(r.output, HasSubstr("not a Stable Video Diffusion checkpoint"));
}

}  // namespace
}  // namespace svd::test
