// The planned memory is what a run takes: of each part of the model in the pool, and of the whole process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <ostream>
#include <string>
#include <utility>

#include "checkpoint/synthetic.h"
#include "checkpoint/temporary.h"
#include "models/checkpoint_layout.h"
#include "pipeline/image_to_video.h"
#include "support/child_memory.h"
#include "support/network_backends.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"

namespace svd::test {
namespace {

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / 0x1p20; }

struct PartMemory {
  uint64_t weights = 0, peak = 0;
};

// Of each part, by its name, while it is the only one in memory.
std::map<std::string, PartMemory> measured_parts(const StableVideoConfig& config, const Request& request,
                                                 const PipelinePlan& plan, Backend& backend) {
  std::map<std::string, PartMemory> parts;
  std::string part;  // that is loading or at work
  const auto end_part = [&] {
    if (!part.empty()) parts[part].peak = backend.memory().peak;
  };
  const ProgressCallback watch = [&](const Progress& p) {
    if (p.phase != Phase::loading) {
      if (parts[part].weights == 0) parts[part].weights = backend.memory().live;
    } else if (p.part != part) {
      end_part();
      part = p.part;
      backend.trim();
      backend.reset_peak();
    }
    return true;
  };
  const ProgressReporter::OnOperation nobody;
  ProgressReporter progress(watch, nobody);
  backend.set_observer(&progress);
  const SyntheticSource source(checkpoint_layout(config, TextSide::no), DType::f32, Threads(available_cores()));
  const PartSource from{source, config, backend, progress};
  KeptParts kept;
  const std::function<void(const TensorRecord&)> no_record;
  const std::function<void(const StepView&)> no_steps;
  TorchCpuGenerator generator(1);
  SingleProcess alone;
  image_to_video({from, kept, plan, alone, no_record, no_steps}, request.image, resolve(request, Version::svd),
                 generator);
  end_part();
  backend.set_observer(nullptr);
  return parts;
}

class PlannedMemory : public testing::TestWithParam<NetworkBackend> {};

TEST_P(PlannedMemory, OfEachPartIsWhatItTakes) {
  const std::unique_ptr<Backend> backend = make_or_skip(GetParam());
  if (!backend) GTEST_SKIP() << GetParam().name << " is not there on this CPU";
  const StableVideoConfig config = synthetic_config("tiny", true);
  const Request request{.image = {192, 64, test_image(64, 192, 0)},
                        .num_frames = 11,
                        .num_steps = 1,
                        .decoding_t = 5,
                        .guider = {.kind = GuiderKind::identity}};
  const Settings settings = resolve(request, Version::svd);
  const PipelinePlan plan = plan_pipeline(config, settings, *backend);
  const auto measured = measured_parts(config, request, plan, *backend);
  const std::map<std::string, PartPlan> planned = {
      {"CLIP", plan.clip}, {"VAE encoder", plan.encoder}, {"UNet", plan.unet}, {"VAE decoder", plan.decoder}};
  ASSERT_EQ(measured.size(), planned.size());
  for (const auto& [name, part] : planned) {
    SCOPED_TRACE(name);
    const PartMemory& found = measured.at(name);
    RecordProperty(name + " planned", std::to_string(part.weight_bytes) + ", " + std::to_string(part.peak_bytes));
    RecordProperty(name + " measured", std::to_string(found.weights) + ", " + std::to_string(found.peak));
    const double weights = mebibytes(part.weight_bytes), peak = mebibytes(part.peak_bytes);
    EXPECT_NEAR(mebibytes(found.weights), weights, 0.02 * weights + 0.5);
    // Hardly more than planned, and little less: a task may find a smaller tile than the largest, which is planned, and
    // on a busy machine one thread may do the work of two.
    EXPECT_LE(mebibytes(found.peak), 1.02 * peak + 0.25);
    EXPECT_GE(mebibytes(found.peak), 0.95 * peak - 4);
  }
}

// Zeros of that shape, which live as long as the storage.
RawWeight zeros(const Shape& shape, std::vector<float>& storage) {
  storage.resize(std::max(storage.size(), static_cast<size_t>(shape.numel())));
  return {.shape = shape, .type = DType::f32, .data = reinterpret_cast<const std::byte*>(storage.data())};
}

// One operation need not be what a network takes most for; these two are those with the most workspace.
class PlannedWorkspace : public testing::TestWithParam<NetworkBackend> {
 protected:
  // The operation's peak, in MiB, on planar input of that shape. `make_operation(backend)` packs its weights.
  template <typename MakeOperation>
  void expect_as_planned(const Shape& shape, const MakeOperation& make_operation) {
    const std::unique_ptr<Backend> backend = make_or_skip(GetParam());
    if (!backend) GTEST_SKIP() << GetParam().name << " is not there on this CPU";
    const auto use = [&](Backend& b) {  // of the weights, and at the peak
      const auto operation = make_operation(b);
      const double weights = mebibytes(b.memory().live);
      const Tensor x = b.to_channels_last(b.allocate(shape, DType::f32));
      b.trim();
      b.reset_peak();
      const Tensor y = operation(x);
      return std::pair(weights, mebibytes(b.memory().peak));
    };
    const auto planned = use(*backend->make_planner()), measured = use(*backend);
    EXPECT_NEAR(measured.first, planned.first, 0.05 * planned.first + 0.02);
    EXPECT_NEAR(measured.second, planned.second, 0.05 * planned.second + 0.5);
  }
};

TEST_P(PlannedWorkspace, OfDoublingFrames) {
  expect_as_planned({3, 64, 64, 96}, [](Backend& b) {
    std::vector<float> storage;
    const RawWeight kernel = zeros({64, 64, 3, 3}, storage);
    auto w = b.pack_conv2d({.in_channels = 64, .out_channels = 64, .upsample = true}, kernel, nullptr);
    return [&b, w = std::move(w)](const Tensor& x) { return b.conv2d(x, w); };
  });
}

TEST_P(PlannedWorkspace, OfTheFeedForward) {
  constexpr int64_t kWidth = 320, kInner = 4 * kWidth;
  expect_as_planned({2, kWidth, 24, 32}, [](Backend& b) {
    std::vector<float> storage(2 * kInner * kWidth);
    const RawWeight w1 = zeros({2 * kInner, kWidth}, storage), b1 = zeros({2 * kInner}, storage);
    const RawWeight w2 = zeros({kWidth, kInner}, storage), b2 = zeros({kWidth}, storage);
    auto w = b.pack_feed_forward(b.pack_norm(b2, b2, 1e-5f), w1, b1, w2, b2);
    return [&b, w = std::move(w)](const Tensor& x) { return b.feed_forward(x, w); };
  });
}

// Two threads everywhere: how much of the workspace is used at the same time depends on their number.
std::vector<NetworkBackend> backends_of_two_threads() {
  std::vector<NetworkBackend> all;
  for (const BackendEntry& entry : registered_backends()) {
    if (entry.device == DeviceKind::reference) continue;
    for (const Precision precision : entry.precisions) {
      const BackendOptions options{.device = entry.device, .precision = precision, .threads = 2};
      all.push_back({name_of(Device(entry.device)) + "_" + std::string(name_of(precision)),
                     [options] { return make_backend(options); }});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Backends, PlannedMemory, testing::ValuesIn(backends_of_two_threads()),
                         [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Backends, PlannedWorkspace, testing::ValuesIn(backends_of_two_threads()),
                         [](const auto& info) { return info.param.name; });

// So small a run that weights and the process itself are nearly all of it.
class PlannedProcessMemory : public testing::TestWithParam<Precision> {};

TEST_P(PlannedProcessMemory, IsWhatTheProgramTakes) {
  const TemporaryFolder folder;
  const std::filesystem::path checkpoint = tiny_checkpoint(Decoder::temporal), picture = folder / "picture.png";
  const Request request{.image = {128, 64, test_image(64, 128, 0)},
                        .num_frames = 3,
                        .num_steps = 1,
                        .guider = {.kind = GuiderKind::identity}};
  write_png(picture, request.image);
  const ChildRun run = run_and_measure({SVD_PROGRAM, "sample", picture.string(), "--checkpoint=" + checkpoint.string(),
                                        "--num_frames=3", "--num_steps=1", "--guider=IdentityGuider", "--threads=2",
                                        GetParam() == Precision::f32 ? "--precision=f32" : "--precision=bf16",
                                        "--output_folder=" + (folder / "out").string()});
  ASSERT_EQ(run.exit_code, 0) << run.errors;
  const Model model({.checkpoint = checkpoint, .precision = GetParam(), .threads = 2});
  const double planned = mebibytes(model.plan(request).peak_bytes), measured = mebibytes(run.peak_anonymous_bytes);
  EXPECT_THAT(run.errors, testing::HasSubstr("planned peak memory: " + std::to_string(std::lround(planned)) + " MiB"));
  // Never more than planned. Less by what is planned for code and libraries, whose pages are a file's.
  constexpr double kOfFiles = 150;
  RecordProperty("planned", std::to_string(planned));
  RecordProperty("measured", std::to_string(measured));
  EXPECT_LE(measured, planned);
  EXPECT_GE(measured, planned - kOfFiles);
}

INSTANTIATE_TEST_SUITE_P(Precisions, PlannedProcessMemory, testing::Values(Precision::f32, Precision::bf16),
                         [](const auto& info) { return info.param == Precision::f32 ? "f32" : "bf16"; });

// Finished frames wait for the end of the run, as 8-bit pixels, beside everything else.
TEST(PlannedMemoryOfFrames, IsAddedToTheLargestPart) {
  const StableVideoConfig config = synthetic_config("tiny", true);
  const std::unique_ptr<Backend> backend = make_backend({.device = DeviceKind::cpu});
  const auto beside_the_parts = [&](int frames, int width) {
    const Request request{.image = {width, 64, test_image(64, width, 0)}, .num_frames = frames, .decoding_t = 3};
    const PipelinePlan plan = plan_pipeline(config, resolve(request, Version::svd), *backend);
    return plan.peak_bytes - std::max({plan.clip.peak_bytes, plan.encoder.peak_bytes, plan.unet.peak_bytes,
                                       plan.decoder.peak_bytes, plan.last_decoder.peak_bytes});
  };
  const uint64_t few = beside_the_parts(3, 64);
  EXPECT_EQ(beside_the_parts(103, 64) - few, uint64_t{100} * 3 * 64 * 64);
  EXPECT_EQ(beside_the_parts(3, 640) - few, uint64_t{3} * 3 * 576 * 64);
}

}  // namespace
}  // namespace svd::test
