// One video by several ranks: the same to the last bit, and nobody waits for one that has stopped.
#include "pipeline/communicator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "backends/registry/registry.h"
#include "checkpoint/synthetic.h"
#include "models/checkpoint_layout.h"
#include "pipeline/image_to_video.h"
#include "support/test_image.h"
#include "support/thread_communicator.h"

namespace svd::test {
namespace {

struct Outcome {
  std::vector<Image> frames;
  int unet_calls = 0;
  std::exception_ptr error;

  // Empty when there was none.
  std::string message() const {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& e) {
      return e.what();
    }
    return "";
  }
};

// Called after each step of a rank; may throw.
using OnStep = std::function<void(int rank, int step)>;

Outcome run(Communicator& communicator, GuiderSettings guider, const OnStep& on_rank_step) {
  const StableVideoConfig config = synthetic_config("tiny", true);
  const SyntheticSource source(checkpoint_layout(config, TextSide::no), DType::f32, Threads(1));
  const auto backend = make_backend({.device = DeviceKind::cpu, .precision = Precision::f32, .threads = 1});
  Request request{.image = {64, 64, test_image(64, 64, 0)}, .watermark = false};
  request.num_frames = 2;
  request.num_steps = 3;
  request.guider = guider;
  const Settings settings = resolve(request, Version::svd);
  const PipelinePlan plan = plan_pipeline(config, settings, *backend);

  Outcome outcome;
  const ProgressCallback none;
  const ProgressReporter::OnOperation count = [&](const OperationRecord& r) {
    // The first convolution of the UNet is the only one from 8 channels.
    if (r.kind == "conv2d" && r.detail == "3x3 [2, 8, 8, 8] -> 64") ++outcome.unet_calls;
  };
  ProgressReporter progress(none, count);
  const PartSource from{source, config, *backend, progress};
  const std::function<void(const TensorRecord&)> nothing;
  const std::function<void(const StepView&)> on_step = [&](const StepView& view) {
    if (on_rank_step) on_rank_step(communicator.rank(), view.step);
  };
  backend->set_observer(&progress);
  KeptParts parts;
  TorchCpuGenerator generator(23);
  try {
    outcome.frames =
        image_to_video({from, parts, plan, communicator, nothing, on_step}, request.image, settings, generator);
  } catch (...) {
    outcome.error = std::current_exception();
  }
  backend->set_observer(nullptr);
  return outcome;
}

std::vector<Outcome> run_ranks(int ranks, GuiderSettings guider = {}, const OnStep& on_step = {}) {
  ThreadGroup group(ranks);
  std::vector<Outcome> outcomes(static_cast<size_t>(ranks));
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadCommunicator communicator(group, rank);
      outcomes[static_cast<size_t>(rank)] = run(communicator, guider, on_step);
    });
  }
  threads.clear();
  return outcomes;
}

TEST(Communicator, HalvesOfGuidanceGiveTheSameVideo) {
  SingleProcess alone;
  const Outcome expected = run(alone, {}, {});
  ASSERT_EQ(expected.message(), "");
  EXPECT_EQ(expected.unet_calls, 6);
  for (const int ranks : {2, 3}) {
    const std::vector<Outcome> outcomes = run_ranks(ranks);
    for (int rank = 0; rank < ranks; ++rank) {
      SCOPED_TRACE(testing::Message() << "rank " << rank << " of " << ranks);
      const Outcome& outcome = outcomes[static_cast<size_t>(rank)];
      EXPECT_EQ(outcome.message(), "");
      EXPECT_EQ(outcome.frames, expected.frames);
      EXPECT_EQ(outcome.unet_calls, rank < 2 ? 3 : 0);  // a third rank has no half of its own
    }
  }
}

TEST(Communicator, WithoutGuidanceThereIsNothingToDivide) {
  for (const Outcome& outcome : run_ranks(2, {.kind = GuiderKind::identity})) {
    EXPECT_EQ(outcome.message(), "");
    EXPECT_EQ(outcome.unet_calls, 3);
  }
}

// Whichever rank stops, and whenever: it says why, and the others say that they stopped because of it.
TEST(Communicator, OneThatStopsEndsAll) {
  for (const int stopping : {0, 1}) {
    for (const int at_step : {1, 3}) {
      SCOPED_TRACE(testing::Message() << "rank " << stopping << " after step " << at_step);
      const std::vector<Outcome> outcomes = run_ranks(2, {}, [&](int rank, int step) {
        if (rank == stopping && step == at_step) throw std::runtime_error("the disk is full");
      });
      EXPECT_EQ(outcomes[static_cast<size_t>(stopping)].message(), "the disk is full");
      EXPECT_THAT(outcomes[static_cast<size_t>(1 - stopping)].message(),
                  testing::HasSubstr("stopped because another one did"));
    }
  }
}

TEST(Communicator, BothMayStopAtOnce) {
  const std::vector<Outcome> outcomes = run_ranks(2, {}, [](int, int step) {
    if (step == 2) throw std::runtime_error("stop");
  });
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.message(), "stop");
}

}  // namespace
}  // namespace svd::test
