// What the program says about its options, and to wrong ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/temporary.h"
#include "program.h"

namespace svd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Help, OverviewListsTheCommands) {
  const Result r = run_svd({"--help"});
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_EQ(r.errors, "");
  for (const char* text : {"sample", "serve", "info", "synth", "bench", "Examples:"})
    EXPECT_THAT(r.output, HasSubstr(text));
}

TEST(Help, SampleListsEveryOptionWithItsDefault) {
  const Result r = run_svd({"sample", "--help"});
  EXPECT_EQ(r.exit_code, 0);
  for (const char* text : {"--input_path",
                           "--num_frames",
                           "--num_steps",
                           "--version",
                           "--fps_id",
                           "--motion_bucket_id",
                           "--cond_aug",
                           "--seed",
                           "--decoding_t",
                           "--device",
                           "--checkpoint",
                           "--precision",
                           "--threads",
                           "--fps",
                           "--watermark",
                           "--save_tensors",
                           "--output_folder",
                           "--sampler",
                           "--s_churn",
                           "--s_tmin",
                           "--s_tmax",
                           "--s_noise",
                           "--eta",
                           "--order",
                           "--discretization",
                           "--sigma_min",
                           "--sigma_max",
                           "--rho",
                           "--guider",
                           "--min_scale",
                           "--max_scale",
                           "--scale",
                           "default: EulerEDMSampler",
                           "default: EDMDiscretization",
                           "default: LinearPredictionGuider",
                           "default: 127",
                           "default: 0.02",
                           "default: 23",
                           "default: true",
                           "default: 14",
                           "default: svd",
                           "25 (svd_xt",
                           "outputs/simple_video_sample/<version>",
                           "Examples:"}) {
    EXPECT_THAT(r.output, HasSubstr(text));
  }
}

TEST(Help, EveryCommandHasOne) {
  for (const char* command : {"sample", "serve", "info", "synth", "bench"}) {
    const Result r = run_svd({command, "-h"});
    EXPECT_EQ(r.exit_code, 0) << command;
    EXPECT_THAT(r.output, HasSubstr(std::string("Usage: svd ") + command));
  }
}

TEST(Help, VersionOfTheProgram) {
  const Result r = run_svd({"--version"});
  EXPECT_EQ(r.exit_code, 0);
  EXPECT_THAT(r.output, testing::MatchesRegex("svd [0-9]+\\.[0-9]+\\.[0-9]+\nbuilt with .+, oneDNN .+, libvips .+\n"));
}

struct WrongUse {
  Arguments arguments;
  std::vector<std::string> says;  // on the error output
};

class WrongUseTest : public testing::TestWithParam<WrongUse> {};

TEST_P(WrongUseTest, HasAMessageAndAHint) {
  const Result r = run_svd(GetParam().arguments);
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_EQ(r.output, "");
  EXPECT_THAT(r.errors, testing::StartsWith("svd: error: "));
  EXPECT_THAT(r.errors, HasSubstr("--help`"));
  for (const std::string& text : GetParam().says) EXPECT_THAT(r.errors, HasSubstr(text));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongUseTest,
    testing::Values(
        WrongUse{{}, {"expected a command: sample, serve, info, synth or bench"}},
        WrongUse{{"smaple", "x.jpg"}, {"smaple: expected a command"}},
        WrongUse{{"--quiet"}, {"--quiet: expected a command"}},
        WrongUse{{"sample", "--num_frame=3"}, {"--num_frame", "svd sample --help"}},
        WrongUse{{"sample", "a.jpg", "b.jpg"}, {"b.jpg"}},
        WrongUse{{"sample", "a.jpg", "--input_path", "b.jpg"}, {"--input_path"}},
        WrongUse{{"sample", ""}, {"--input_path: expected a path, found nothing"}},
        WrongUse{{"sample", "--input_path"}, {"--input_path"}},
        WrongUse{{"sample", "--num_frames=0"}, {"--num_frames: expected a whole number from 1", "found 0"}},
        WrongUse{{"sample", "--num_frames=12abc"}, {"--num_frames: expected a whole number", "found 12abc"}},
        WrongUse{{"sample", "--num-frames", "3.5"}, {"--num_frames: expected a whole number", "found 3.5"}},
        WrongUse{{"sample", "--num_frames=99999999999"}, {"--num_frames", "found 99999999999"}},
        WrongUse{{"sample", "--num_steps", "0"}, {"--num_steps: expected a whole number from 1", "found 0"}},
        WrongUse{{"sample", "--num_steps", "many"}, {"--num_steps", "found many"}},
        WrongUse{{"sample", "--decoding_t=-1"}, {"--decoding_t: expected a whole number from 1", "found -1"}},
        WrongUse{{"sample", "--fps=121"}, {"--fps: expected a whole number from 1 to 120, found 121"}},
        WrongUse{{"sample", "--fps", "0"}, {"--fps: expected", "found 0"}},
        WrongUse{{"sample", "--fps_id=-1"}, {"--fps_id: expected", "found -1"}},
        WrongUse{{"sample", "--motion_bucket_id=512"},
                 {"--motion_bucket_id: expected a whole number from 0 to 511, found 512"}},
        WrongUse{{"bench", "--frames=0x10"}, {"--frames: expected a whole number from 1 to 1024, found 0x10"}},
        WrongUse{{"bench", "--repeat=1.0"}, {"--repeat: expected a whole number from 1 to 1000, found 1.0"}},
        WrongUse{{"sample", "--motion_bucket_id=x"}, {"--motion_bucket_id: expected", "found x"}},
        WrongUse{{"sample", "--cond_aug=-0.1"}, {"--cond_aug: expected a number from 0 to 100, found -0.1"}},
        WrongUse{{"sample", "--cond_aug=nan"}, {"--cond_aug", "found nan"}},
        WrongUse{{"sample", "--cond_aug=inf"}, {"--cond_aug", "found inf"}},
        WrongUse{{"sample", "--cond_aug", "0.02x"}, {"--cond_aug", "found 0.02x"}},
        WrongUse{{"sample", "--seed=-1"}, {"--seed: expected a whole number from 0 to 18446744073709551615, found -1"}},
        WrongUse{{"sample", "--seed=18446744073709551616"}, {"--seed", "found 18446744073709551616"}},
        WrongUse{{"sample", "--seed", "0x17"}, {"--seed", "found 0x17"}},
        WrongUse{{"sample", "--threads=0"}, {"--threads: expected a whole number from 1", "found 0"}},
        WrongUse{{"sample", "--watermark=2"}, {"--watermark: expected one of true, false", "found 2"}},
        WrongUse{{"sample", "--device=toaster"}, {"--device: expected one of auto, cpu, cuda, reference", "toaster"}},
        WrongUse{{"sample", "--device=cuda:x"},
                 {"--device: expected one of auto, cpu, cuda", "cuda:1", "found cuda:x"}},
        WrongUse{{"bench", "--device=gpu"}, {"--device: expected one of auto, cpu, cuda", "found gpu"}},
        WrongUse{{"sample", "--precision=f16"}, {"--precision: expected one of auto, f32, bf16, found f16"}},
        WrongUse{{"sample", "--version=svd_2"},
                 {"svd, svd_xt, svd_image_decoder, svd_xt_image_decoder, svd_xt_1_1, svd_demo, found svd_2"}},
        WrongUse{{"sample", "--sampler=Euler"},
                 {"--sampler: expected one of EulerEDMSampler, HeunEDMSampler", "found Euler"}},
        WrongUse{{"sample", "--s_churn=-1"}, {"--s_churn: expected a number from 0 to 1000, found -1"}},
        WrongUse{{"sample", "--s-churn=nan"}, {"--s_churn: expected", "found nan"}},
        WrongUse{{"sample", "--s_tmin=1e9"}, {"--s_tmin: expected a number from 0 to 1000, found 1e9"}},
        WrongUse{{"sample", "--s_tmax=x"}, {"--s_tmax: expected a number", "found x"}},
        WrongUse{{"sample", "--s_noise=11"}, {"--s_noise: expected a number from 0 to 10, found 11"}},
        WrongUse{{"sample", "--eta=-0.5"}, {"--eta: expected a number from 0 to 10, found -0.5"}},
        WrongUse{{"sample", "--order=0"}, {"--order: expected a whole number from 1 to 10, found 0"}},
        WrongUse{{"sample", "--order=2.5"}, {"--order: expected a whole number", "found 2.5"}},
        WrongUse{{"sample", "--discretization=EDM"}, {"--discretization: expected one of EDMDiscretization, Legacy"}},
        WrongUse{{"sample", "--sigma_min=0"}, {"--sigma_min: expected a number from 0.0001 to 1000, found 0"}},
        WrongUse{{"sample", "--sigma_max=20000"}, {"--sigma_max: expected", "found 20000"}},
        WrongUse{{"sample", "--rho=0"}, {"--rho: expected a number from 0.1 to 100, found 0"}},
        WrongUse{{"sample", "--guider=CFG"}, {"--guider: expected one of LinearPredictionGuider", "found CFG"}},
        WrongUse{{"sample", "--min-scale=-1"}, {"--min_scale: expected a number from 0 to 100, found -1"}},
        WrongUse{{"sample", "--max_scale=101"}, {"--max_scale: expected", "found 101"}},
        WrongUse{{"sample", "--scale=big"}, {"--scale: expected", "found big"}}, WrongUse{{"info"}, {"file"}},
        WrongUse{{"info", "--yaml", "x"}, {"--yaml", "svd info --help"}}, WrongUse{{"synth"}, {"--output"}},
        WrongUse{{"synth", "--output=x", "--size=huge"}, {"--size", "huge"}},
        WrongUse{{"synth", "--output=x", "--dtype=f64"}, {"--dtype: expected one of f32, f16, bf16, found f64"}}),
    [](const auto& info) { return std::to_string(info.index); });

// Options that are understood get as far as the checkpoint, which is not there.
class Accepted : public testing::Test {
 protected:
  std::string errors_of(Arguments arguments) {
    arguments.insert(arguments.begin(), {"sample", folder_.file("picture.png", "not looked at yet").string()});
    const Result r = run_svd(arguments, {.folder = folder_.path()});
    EXPECT_EQ(r.exit_code, 1) << testing::PrintToString(arguments);
    EXPECT_EQ(r.output, "");
    EXPECT_THAT(r.errors, HasSubstr("svd: error: no checkpoint for version")) << testing::PrintToString(arguments);
    return r.errors;
  }

  TemporaryFolder folder_;
};

TEST_F(Accepted, NamesWithEitherDashAndValuesWithEitherSeparator) {
  for (const Arguments& form : {Arguments{"--motion_bucket_id=300"}, Arguments{"--motion_bucket_id", "300"},
                                Arguments{"--motion-bucket-id=300"}, Arguments{"--motion-bucket-id", "300"},
                                Arguments{"--motion-bucket_id", "300"}}) {
    EXPECT_THAT(errors_of(form), HasSubstr("svd: warning: motion_bucket_id 300: above 255"));
  }
}

TEST_F(Accepted, WarningsOfTheReference) {
  EXPECT_THAT(errors_of({"--fps_id=4"}), HasSubstr("svd: warning: fps_id 4: below 5"));
  EXPECT_THAT(errors_of({"--fps_id=31"}), HasSubstr("svd: warning: fps_id 31: above 30"));
  EXPECT_THAT(errors_of({"--fps_id=120"}), HasSubstr("120 frames per second"));
  EXPECT_THAT(errors_of({"--fps_id=5", "--motion_bucket_id=255"}), Not(HasSubstr("warning")));
  EXPECT_THAT(errors_of({"--fps_id=30", "--motion_bucket_id=0"}), Not(HasSubstr("warning")));
}

TEST_F(Accepted, SamplingOptions) {
  errors_of({"--sampler=euleredmsampler", "--s_churn=40", "--s-tmin=0.05", "--s_tmax=50", "--s_noise=1.003"});
  errors_of({"--sampler", "DPMPP2SAncestralSampler", "--eta=0.5", "--s_noise=1"});
  errors_of({"--sampler=LinearMultistepSampler", "--order=3", "--discretization=LegacyDDPMDiscretization"});
  errors_of({"--sigma-min=0.03", "--sigma_max=80", "--rho=5", "--guider=TrianglePredictionGuider", "--min_scale=2"});
  errors_of({"--guider=VanillaCFG", "--scale=3"});
}

// Each is right by itself; together they are not.
TEST(Sampling, ParametersOfAnotherChoiceAreRefusedBeforeAnythingIsRead) {
  const auto refused = [](Arguments arguments) {
    arguments.insert(arguments.begin(), {"sample", "/nonexistent.png"});
    const Result r = run_svd(arguments);
    EXPECT_EQ(r.exit_code, 2);
    return r.errors;
  };
  EXPECT_THAT(refused({"--sampler=DPMPP2MSampler", "--s_churn=1"}),
              HasSubstr("svd: error: s_churn: DPMPP2MSampler does not have it; it belongs to EulerEDMSampler, Heun"));
  EXPECT_THAT(refused({"--order=2"}), HasSubstr("order: EulerEDMSampler does not have it"));
  EXPECT_THAT(refused({"--guider=IdentityGuider", "--max_scale=3"}),
              HasSubstr("max_scale: IdentityGuider does not have it"));
  EXPECT_THAT(refused({"--scale=3"}), HasSubstr("scale: LinearPredictionGuider does not have it"));
  EXPECT_THAT(refused({"--discretization=LegacyDDPMDiscretization", "--sigma_max=80"}), HasSubstr("sigma_max: Legacy"));
  EXPECT_THAT(refused({"--sigma_min=5", "--sigma_max=4"}), HasSubstr("sigma_min < sigma_max"));
}

TEST_F(Accepted, EveryFormOfANumberAndABoolean) {
  for (const char* option :
       {"--watermark=true", "--watermark=false", "--watermark=0", "--watermark=1", "--watermark=False",
        "--seed=18446744073709551615", "--seed=0", "--seed=010", "--cond_aug=0", "--cond_aug=1e-2", "--cond_aug=.5",
        "--fps=120", "--decoding_t=1000", "--threads=1", "--device=auto", "--version=svd_xt_1_1"}) {
    errors_of({option});
  }
}

}  // namespace
}  // namespace svd::test
