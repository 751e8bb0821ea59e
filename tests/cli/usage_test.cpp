// Options of the program: help, spellings, and what is refused before any work.
#include "cli_fixture.h"

namespace svd::test {
namespace {

class Usage : public CliTest {};

TEST_F(Usage, HelpNamesTheCommands) {
  const ProgramResult r = svd({"--help"});
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(r.errors, "");
  for (const char* command : {"sample", "info", "synth", "bench"}) EXPECT_THAT(r.output, HasSubstr(command));
}

TEST_F(Usage, HelpOfSampleNamesEveryOption) {
  const ProgramResult r = svd({"sample", "--help"});
  EXPECT_EQ(r.exit_code, 0);
  for (const char* option :
       {"--input_path", "--num_frames", "--num_steps", "--version", "--fps_id", "--motion_bucket_id", "--cond_aug",
        "--seed ", "--seed_per_picture", "--decoding_t", "--device", "--checkpoint", "--precision", "--threads",
        "--fps ", "--watermark", "--save_tensors", "--output_folder"}) {
    EXPECT_THAT(r.output, HasSubstr(option));
  }
  // The reference's defaults.
  for (const char* value : {"svd", "6", "127", "0.02", "23", "14"}) {
    EXPECT_THAT(r.output, HasSubstr("default: " + std::string(value) + "\n"));
  }
}

TEST_F(Usage, Version) {
  const ProgramResult r = svd({"--version"});
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_THAT(r.output, testing::MatchesRegex("svd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(Usage, WrongUseEndsWithCode2AndAHint) {
  expect_error(svd({}), 2, HasSubstr("Try `svd --help`"));
  expect_error(svd({"smaple"}), 2, AllOf(HasSubstr("smaple"), HasSubstr("Try `svd --help`")));
  expect_error(svd({"--colour"}), 2, AllOf(HasSubstr("--colour"), HasSubstr("Try `svd --help`")));
  expect_error(svd({"sample", "--colour=3"}), 2, AllOf(HasSubstr("--colour"), HasSubstr("Try `svd sample --help`")));
  expect_error(svd({"sample", "a.png", "b.png"}), 2, HasSubstr("Try `svd sample --help`"));
  expect_error(svd({"sample", "--seed"}), 2, HasSubstr("--seed"));
  expect_error(svd({"synth"}), 2, AllOf(HasSubstr("--output"), HasSubstr("Try `svd synth --help`")));
  expect_error(svd({"info"}), 2, HasSubstr("Try `svd info --help`"));
}

// The options were understood when the program gets as far as the picture or the checkpoint, which are not there.
TEST_F(Usage, SpellingsOfOptions) {
  const std::string picture = png("p.png", 64, 64);
  for (const Arguments& spelling :
       std::vector<Arguments>{{"--num_frames=2"}, {"--num-frames=2"}, {"--num_frames", "2"}, {"--num-frames", "2"}}) {
    expect_error(svd(Arguments{"sample", "--version=svd_xt_image_decoder", picture} + spelling), 1,
                 HasSubstr("no checkpoint for version svd_xt_image_decoder"));
  }
  for (const char* value : {"false", "true", "0", "1"}) {
    expect_error(svd({"sample", picture, "--watermark=" + std::string(value)}), 1, HasSubstr("no checkpoint"));
  }
  expect_error(svd({"sample", picture, "--watermark", "false"}), 1, HasSubstr("no checkpoint"));
  expect_error(svd({"sample", picture, "--seed=18446744073709551615"}), 1, HasSubstr("no checkpoint"));
  // The picture by position and by name; - and _ only mean the same in names of options, not in values.
  expect_error(svd({"sample", "no-such_picture.png"}), 1, HasSubstr("no-such_picture.png"));
  expect_error(svd({"sample", "--input-path=no-such_picture.png"}), 1, HasSubstr("no-such_picture.png"));
  expect_error(svd({"sample", "--input_path", "no-such_picture.png"}), 1, HasSubstr("no-such_picture.png"));
  expect_error(svd({"sample", "--", "--no-such-picture"}), 1, HasSubstr("--no-such-picture"));
  expect_error(svd({"sample", "--watermark=maybe"}), 2, AllOf(HasSubstr("--watermark"), HasSubstr("maybe")));
}

TEST_F(Usage, WithoutAPictureTheBundledOneIsUsed) { expect_error(svd({"sample"}), 1, HasSubstr("no checkpoint")); }

TEST_F(Usage, OfTheReference) {
  const std::string picture = png("p.png", 64, 64);
  const auto warnings = [&](const std::string& option) { return svd({"sample", picture, option}).errors; };
  const auto warning = [](const std::string& option) { return HasSubstr("svd: warning: " + option); };
  EXPECT_THAT(warnings("--motion_bucket_id=300"), warning("motion_bucket_id"));
  EXPECT_THAT(warnings("--motion_bucket_id=255"), Not(HasSubstr("warning")));
  EXPECT_THAT(warnings("--fps_id=3"), warning("fps_id"));
  EXPECT_THAT(warnings("--fps_id=5"), Not(HasSubstr("warning")));
  EXPECT_THAT(warnings("--fps_id=30"), Not(HasSubstr("warning")));
  EXPECT_THAT(warnings("--fps_id=40"), warning("fps_id"));
  // A video cannot have that frame rate; the model may be told it all the same.
  EXPECT_THAT(warnings("--fps_id=200"), AllOf(warning("fps_id"), HasSubstr("120")));
  EXPECT_THAT(svd({"sample", picture, "--fps_id=200", "--fps=10"}).errors, Not(HasSubstr("120")));
}

struct Refused {
  std::string option, value;
  std::vector<std::string> also = {};  // what the message says beside the option and the value
};

class Refusal : public CliTest, public testing::WithParamInterface<Refused> {};

TEST_P(Refusal, NamesTheOptionAndTheValue) {
  const Refused& c = GetParam();
  for (const Arguments& spelling :
       std::vector<Arguments>{{"--" + c.option + "=" + c.value}, {"--" + c.option, c.value}}) {
    const ProgramResult r = svd(Arguments{"sample"} + spelling);
    expect_error(r, 2, AllOf(HasSubstr("--" + c.option), HasSubstr(c.value), HasSubstr("Try `svd sample --help`")));
    for (const std::string& text : c.also) EXPECT_THAT(r.errors, HasSubstr(text));
  }
  EXPECT_TRUE(folder_.is_empty());
}

INSTANTIATE_TEST_SUITE_P(
    Options, Refusal,
    testing::Values(
        Refused{"num_frames", "0"}, Refused{"num_frames", "2.5"}, Refused{"num_steps", "0"}, Refused{"decoding_t", "0"},
        Refused{"fps", "0"}, Refused{"fps", "121"}, Refused{"fps_id", "-1"}, Refused{"motion_bucket_id", "-1"},
        Refused{"cond_aug", "-1"}, Refused{"cond_aug", "nan"}, Refused{"cond_aug", "inf"}, Refused{"cond_aug", "abc"},
        Refused{"seed", "-1"}, Refused{"seed", "12abc"}, Refused{"seed", "18446744073709551616"},
        Refused{"threads", "0"},
        Refused{"version", "svd2", {"svd,", "svd_xt,", "svd_image_decoder", "svd_xt_image_decoder", "svd_xt_1_1"}},
        Refused{"device", "tpu", {"auto", "cpu", "cuda", "reference"}},
        Refused{"precision", "f64", {"auto", "f32", "bf16"}}),
    [](const auto& info) {
      std::string name = info.param.option + "_" + info.param.value;
      std::ranges::replace_if(
          name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
      return name;
    });

}  // namespace
}  // namespace svd::test
