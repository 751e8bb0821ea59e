// One call of the VideoUNet against the reference implementation, module by module.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>

#include "base/fail.h"
#include "checkpoint/synthetic.h"
#include "models/checkpoint_layout.h"
#include "models/video_unet.h"
#include "support/bf16_error.h"
#include "support/golden.h"
#include "support/network_backends.h"

namespace svd::test {
namespace {

// A network input of the golden data: sqrt(3) u with a name in place of a tensor's.
Tensor golden_input(Backend& b, std::string_view name, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  synthetic_uniform(name, 0, values);
  for (float& v : values) v *= std::sqrt(3.0f);
  return b.upload(shape, values);
}

struct Case {
  NetworkBackend backend;
  std::string size;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.size << " on " << c.backend.name; }

class UNetGolden : public testing::TestWithParam<Case> {};

TEST_P(UNetGolden, EveryTapAndTheOutput) {
  const Case& param = GetParam();
  const std::unique_ptr<Backend> b = make_or_skip(param.backend);
  if (!b) GTEST_SKIP() << param.backend.name << " is not there on this CPU";
  const bool bf16 = b->numerics().activations == DType::bf16;
  const auto tolerance = [&](const std::string& tensor) {
    return bf16 ? pytorch_bf16_error("tiny_unet", tensor) : 1e-4;
  };
  const GoldenFile golden(param.size + "_unet.safetensors");
  const StableVideoConfig config = synthetic_config(param.size, true);
  const SyntheticSource source(checkpoint_layout(config, TextSide::no), DType::f32, Threads(available_cores()));
  WeightLoader loader(&source, *b);
  const VideoUNet unet(WeightScope(loader, std::string(part::kUNet)), config.unet);
  loader.finish("UNet");

  const Shape x_shape = golden.shape("x"), y_shape = golden.shape("y");
  const UNetConditioning conditioning{golden_input(*b, "ctx1", {1, config.unet.context_channels}),
                                      golden_input(*b, "y1", y_shape)};
  int taps = 0;
  const Tensor out = unet.forward(*b, golden_input(*b, "x1", x_shape), golden.f32("timestep")[0], conditioning,
                                  [&](std::string_view module, const Tensor& output) {
                                    const std::string name = "tap." + std::string(module);
                                    if (!golden.has(name)) return;
                                    ++taps;
                                    const std::vector<float> planar = b->download(b->to_planar(output));
                                    EXPECT_LE(relative_l2(planar, golden.f32(name)), tolerance(name)) << name;
                                  });
  EXPECT_LE(relative_l2(b->download(out), golden.f32("out")), tolerance("out"));
  EXPECT_EQ(taps, param.size == "tiny" ? 9 : 4);  // all that the file has
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const NetworkBackend& b : network_backends()) all.push_back({b, "tiny"});
  // At full size the reference backend takes minutes; the cpu backend, tested against it per operation, stands for it.
  for (const NetworkBackend& b : network_backends()) {
    if (b.name != "reference_f32" && b.name != "pretend_device") all.push_back({b, "full"});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Backends, UNetGolden, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.size + "_" + info.param.backend.name; });

}  // namespace
}  // namespace svd::test
