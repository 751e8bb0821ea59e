// What a plan says against what a run does, operation by operation, and the numbers that the documentation gives.
#include "pipeline/plan.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "backends/registry/registry.h"
#include "pipeline/progress.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"
#include "svd/model.h"

namespace svd::test {
namespace {

// A stretch of a run: one part of the model loads or works.
struct Stretch {
  struct Report {
    double fraction;  // as reported
    double done;      // by then, in the units of cost_of()
  };
  Phase phase;
  std::string part;  // that loads
  double done = 0;
  std::vector<Report> reports;
};

struct Work {
  double flops = 0;
  std::vector<Stretch> stretches;
};

Work observed_work(Request request) {
  Work work;
  request.on_operation = [&](const OperationRecord& op) {
    work.flops += op.flops;
    work.stretches.back().done += cost_of({.kind = op.kind, .detail = {}, .flops = op.flops, .bytes = op.bytes});
  };
  const auto on_progress = [&](const Progress& p) {
    if (work.stretches.empty() || work.stretches.back().phase != p.phase || work.stretches.back().part != p.part) {
      work.stretches.push_back({p.phase, std::string(p.part), 0, {}});
    }
    Stretch& now = work.stretches.back();
    now.reports.push_back({p.fraction, now.done});
    return true;
  };
  Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  Random random(1);
  model.generate(request, random, on_progress);
  return work;
}

struct Case {
  std::string name;
  int frames, decoding_t;
  SamplerKind sampler = SamplerKind::euler_edm;
  GuiderKind guider = GuiderKind::linear_prediction;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Request request_of(const Case& c) {
  return {.image = {64, 64, test_image(64, 64, 1)},
          .num_frames = c.frames,
          .num_steps = 3,
          .decoding_t = c.decoding_t,
          .sampler = {.kind = c.sampler},
          .guider = {.kind = c.guider}};
}

class PlannedWork : public testing::TestWithParam<Case> {};

TEST_P(PlannedWork, IsWhatTheRunDoesAndProgressFollowsIt) {
  const Model model({.checkpoint = tiny_checkpoint(Decoder::temporal)});
  const Request request = request_of(GetParam());
  const double planned = model.plan(request).flops;
  const Work work = observed_work(request);
  EXPECT_NEAR(work.flops, planned, 1e-9 * planned);

  std::vector<Phase> phases;
  for (const Stretch& stretch : work.stretches) {
    SCOPED_TRACE(std::string(name_of(stretch.phase)) + " " + stretch.part);
    phases.push_back(stretch.phase);
    EXPECT_EQ(stretch.reports.front().fraction, 0);
    if (stretch.phase == Phase::loading) {
      EXPECT_EQ(stretch.reports.back().fraction, 1);
      continue;
    }
    for (const auto& [fraction, done] : stretch.reports) ASSERT_NEAR(fraction, done / stretch.done, 1e-9);
  }
  EXPECT_EQ(phases, (std::vector{Phase::loading, Phase::encoding, Phase::loading, Phase::encoding, Phase::loading,
                                 Phase::denoising, Phase::loading, Phase::decoding}));
}

INSTANTIATE_TEST_SUITE_P(
    Requests, PlannedWork,
    testing::Values(Case{"chunks_2_2_1", 5, 2}, Case{"heun", 2, 14, SamplerKind::heun_edm},
                    Case{.name = "unguided_chunks_2_2", .frames = 4, .decoding_t = 2, .guider = GuiderKind::identity}),
    [](const auto& info) { return info.param.name; });

// The table of docs/command-line.md, for two threads.
struct Documented {
  int frames, decoding_t;
  double gibibytes;
  Phase phase;
};

class DocumentedMemory : public testing::TestWithParam<Documented> {};

TEST_P(DocumentedMemory, Of1024x576) {
  const Documented& expected = GetParam();
  const std::unique_ptr<Backend> backend =
      make_backend({.device = DeviceKind::cpu, .precision = Precision::bf16, .threads = 2});
  const Request request{.image = {1024, 576, std::vector<uint8_t>(size_t{1024} * 576 * 3)},
                        .num_frames = expected.frames,
                        .decoding_t = expected.decoding_t};
  const PipelinePlan plan = plan_pipeline(synthetic_config("full", true), resolve(request, Version::svd), *backend);
  EXPECT_NEAR(static_cast<double>(plan.peak_bytes) / 0x1p30, expected.gibibytes, 0.05);
  EXPECT_EQ(plan.peak_phase, expected.phase);
}

INSTANTIATE_TEST_SUITE_P(Requests, DocumentedMemory,
                         testing::Values(Documented{14, 14, 4.3, Phase::decoding},
                                         Documented{14, 4, 4.0, Phase::denoising},
                                         Documented{25, 14, 4.7, Phase::denoising}),
                         [](const auto& info) {
                           return std::to_string(info.param.frames) + "_frames_decoding_" +
                                  std::to_string(info.param.decoding_t);
                         });

}  // namespace
}  // namespace svd::test
