#include "svd/model.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "backends/registry/registry.h"
#include "base/translate.h"
#include "checkpoint/safetensors.h"
#include "models/config.h"
#include "pipeline/checkpoint_check.h"
#include "pipeline/image_to_video.h"
#include "pipeline/memory_check.h"
#include "pipeline/parts.h"
#include "pipeline/random_state.h"

namespace svd {
namespace {

// What a public object holds, unless it was moved from.
template <typename State>
State& held_by(const std::unique_ptr<State>& state, std::string_view what) {
  if (!state) fail(ErrorCode::invalid_argument, "{}: this one was moved from; use the one it was moved to", what);
  return *state;
}

const LoadOptions& checked(const LoadOptions& options) {
  (void)defaults_of(options.version);
  if (options.checkpoint.empty()) fail(ErrorCode::invalid_argument, "checkpoint: expected a path, found an empty one");
  return options;
}

}  // namespace

class Model::State {
 public:
  explicit State(const LoadOptions& options)
      : version(checked(options).version),
        smaller_type(options.device.kind == DeviceKind::reference ? "device cpu"
                     : options.precision == Precision::f32        ? "precision bf16"
                                                                  : ""),
        backend(
            make_backend({options.device, options.precision,
                          options.threads})),  // first: a device that is not there shows before a large file is read
        source(options.checkpoint),
        config(read_config(source)) {
    check_decoder(options, config);
    check_complete(source, config);
  }

  Video generate(const Request& request, Generator& generator, const ProgressCallback& progress);
  void load(const ProgressCallback& progress);
  void unload() {
    parts = {};
    backend->trim();
  }

  // Whether all parts can stay in memory during such a run.
  bool leaves_room(const PipelinePlan& plan) const {
    return plan.peak_bytes_keeping_parts <= backend->available_memory() + backend->memory().live;
  }

  PipelinePlan plan(const Settings& settings) const { return plan_pipeline(config, settings, *backend); }

  Version version;
  std::string_view smaller_type;  // what would take less memory: device or precision; empty for nothing
  std::unique_ptr<Backend> backend;
  SafetensorsFile source;
  StableVideoConfig config;
  KeptParts parts = {};  // after the backend, whose memory they use
};

Model::Model(const LoadOptions& options) : state_(translated([&] { return std::make_unique<State>(options); })) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

std::string Model::describe_device() const {
  return translated([&] { return held_by(state_, "Model").backend->describe(); });
}

Plan Model::plan(const Request& request) const {
  return translated([&]() -> Plan {
    const State& state = held_by(state_, "Model");
    const PipelinePlan plan = state.plan(resolve(request, state.version));
    return {state.parts.keep ? plan.peak_bytes_keeping_parts : plan.peak_bytes, plan.peak_phase, plan.flops};
  });
}

void Model::load(const ProgressCallback& progress) {
  translated([&] { held_by(state_, "Model").load(passing_exceptions(progress)); });
}

void Model::unload() {
  translated([&] { held_by(state_, "Model").unload(); });
}

uint64_t Model::loaded_bytes() const {
  return translated([&] { return held_by(state_, "Model").backend->memory().live; });
}

Video Model::generate(const Request& request, Random& random, const ProgressCallback& progress) {
  return translated([&] {
    State& state = held_by(state_, "Model");
    return state.generate(request, held_by(random.state_, "Random").generator, passing_exceptions(progress));
  });
}

namespace {

// Watches the operations of a backend for one call, however that ends.
class Observation {
 public:
  Observation(Backend& backend, OpObserver& observer) : backend_(backend) { backend_.set_observer(&observer); }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;
  ~Observation() {
    backend_.set_observer(nullptr);
    backend_.trim();
  }

 private:
  Backend& backend_;
};

}  // namespace

void Model::State::load(const ProgressCallback& progress) {
  const uint64_t needed = weight_bytes(config, *backend);
  check_memory_for_loading(needed, backend->memory().live, backend->available_memory());
  // Memory grows with the weights that are there, so it measures how far loading has come.
  const ProgressCallback overall = [&](const Progress& p) {
    if (!progress) return true;
    Progress all = p;
    all.fraction = std::min(1.0, static_cast<double>(backend->memory().live) / static_cast<double>(needed));
    return progress(all);
  };
  const ProgressReporter::OnOperation nobody;
  ProgressReporter reporter(overall, nobody);
  const PartSource from{source, config, *backend, reporter};
  try {
    parts.keep = true;
    for_each_part(config, [&]<typename Part>(const Part&) { load_part<typename Part::Network>(from, parts); });
  } catch (...) {
    unload();
    throw;
  }
}

Video Model::State::generate(const Request& request, Generator& generator, const ProgressCallback& progress) {
  const Settings settings = resolve(request, version);
  if (!request.keep_frames && !request.on_frames) {
    fail(ErrorCode::invalid_argument, "keep_frames: false without on_frames, so that nobody would get the frames");
  }
  const PipelinePlan pipeline_plan = plan(settings);
  KeptParts one_at_a_time;
  KeptParts& used = parts.keep && leaves_room(pipeline_plan) ? parts : one_at_a_time;
  if (&used == &one_at_a_time) {
    const bool keep = parts.keep;
    unload();
    parts.keep = keep;
  }
  if (!used.keep) check_memory(pipeline_plan, settings, backend->available_memory(), smaller_type);

  const auto on_operation = passing_exceptions(request.on_operation);
  const auto on_tensor = passing_exceptions(request.on_tensor);
  const auto on_step = passing_exceptions(request.on_step);
  ProgressReporter reporter(progress, on_operation);
  const Observation observation(*backend, reporter);
  const PartSource from{source, config, *backend, reporter};
  SingleProcess alone;
  const PipelineRun run{from,
                        used,
                        pipeline_plan,
                        alone,
                        on_tensor,
                        on_step,
                        {passing_exceptions(request.on_frames), request.keep_frames}};
  return {image_to_video(run, request.image, settings, generator), video_fps(settings.fps_id)};
}

}  // namespace svd
