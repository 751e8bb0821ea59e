// A damaged weight makes a network's result NaN: the run ends there, and says which network it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "checkpoint/safetensors_header.h"
#include "checkpoint/temporary.h"
#include "support/message_of.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"
#include "svd/model.h"

namespace svd::test {
namespace {

struct Case {
  std::string name, tensor, message;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class NotANumber : public testing::TestWithParam<Case> {};

// The tiny checkpoint, whose weights are f16, with a NaN for the tensor's first value.
void write_damaged(const std::filesystem::path& path, const std::string& tensor) {
  std::string file = content_of(tiny_checkpoint(Decoder::temporal, DType::f16));
  const SafetensorsHeader header = parse_safetensors(std::as_bytes(std::span(file)), path.string());
  file.replace(header.tensors.at(tensor).begin, 2, "\xFF\x7F");
  std::ofstream(path, std::ios::binary) << file;
}

TEST_P(NotANumber, EndsTheRunWithTheNetworksName) {
  const TemporaryFolder folder;
  const std::filesystem::path checkpoint = folder / "damaged.safetensors";
  write_damaged(checkpoint, GetParam().tensor);
  Model model({.checkpoint = checkpoint});
  Random random(1);
  const Request request{.image = {64, 64, test_image(64, 64, 1)}, .num_frames = 2, .num_steps = 2};
  EXPECT_THAT(message_of(ErrorCode::bad_file, [&] { model.generate(request, random); }),
              testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Networks, NotANumber,
    testing::Values(Case{"clip", "conditioner.embedders.0.open_clip.model.visual.ln_post.bias", "the CLIP network"},
                    Case{"encoder", "conditioner.embedders.3.encoder.encoder.conv_out.bias", "the VAE encoder"},
                    Case{"unet", "model.diffusion_model.out.2.bias", "not finite after step 1: the UNet"},
                    Case{"decoder", "first_stage_model.decoder.conv_out.bias", "the VAE decoder"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace svd::test
