#include "svd/model.h"

#include <algorithm>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "backends/cpu/cpu_backend.h"
#include "backends/planning/planning_backend.h"
#include "backends/reference/reference_backend.h"
#include "base/fail.h"
#include "checkpoint/safetensors.h"
#include "media/resample.h"
#include "models/config.h"
#include "models/weight_scope.h"
#include "pipeline/image_to_video.h"
#include "pipeline/parts.h"

namespace svd {
namespace {

constexpr double kGiB = 0x1p30;

std::unique_ptr<Backend> make_backend(const LoadOptions& options) {
  const Threads threads(options.threads == 0 ? available_cores() : options.threads);
  switch (options.device) {
    case Device::automatic:
    case Device::cpu: return make_cpu_backend({options.precision, threads});
    case Device::reference:
      if (options.precision == Precision::bf16) {
        fail(ErrorCode::unsupported, "precision bf16: the reference device computes in f32 only");
      }
      return make_reference_backend(threads);
    case Device::cuda: fail(ErrorCode::unsupported, "device cuda: this build has no CUDA backend; use cpu");
  }
  fail(ErrorCode::internal, "unknown device {}", static_cast<int>(options.device));
}

void check_decoder(const LoadOptions& options, const StableVideoConfig& config) {
  const VersionDefaults& version = defaults_of(options.version);
  if (config.decoder.temporal_decoder == version.temporal_decoder) return;
  const auto kind = [](bool temporal) { return temporal ? "the temporal decoder" : "an image decoder"; };
  fail(ErrorCode::bad_file, "{}: version {} has {}, the file has {}; give the version that the file is of",
       options.checkpoint.string(), version.name, kind(version.temporal_decoder),
       kind(config.decoder.temporal_decoder));
}

// Binds every part without reading it: what is missing shows at once, not after the parts before it have run.
void check_complete(const TensorSource& source, const StableVideoConfig& config) {
  const auto planning = make_planning_backend(DType::bf16);
  WeightLoader loader(&source, *planning);
  const auto at = [&](std::string_view prefix) { return WeightScope(loader, std::string(prefix)); };
  ClipVision(at(part::kClip), config.clip);
  AutoencoderEncoder(at(part::kEncoder), config.encoder);
  VideoUNet(at(part::kUNet), config.unet);
  AutoencoderDecoder(at(part::kDecoder), config.decoder);
  loader.finish("model");
}

// `smaller_type`: what to say about types that take less memory; may be empty.
void check_memory(const PipelinePlan& plan, const Settings& s, std::string_view smaller_type) {
  const uint64_t available = available_memory();
  if (plan.peak_bytes <= available) return;
  std::string advice = "a smaller picture or fewer frames (num_frames)";
  if (plan.peak_phase == Phase::decoding && s.decoding_t > 1 && s.num_frames > 1) {
    advice = fmt::format("decoding fewer frames at a time (decoding_t, now {}) or {}", s.decoding_t, advice);
  }
  if (!smaller_type.empty()) advice += fmt::format(", or {}", smaller_type);
  fail(ErrorCode::out_of_memory, "{} needs {:.1f} GiB of memory, {:.1f} GiB are available; what helps: {}",
       name_of(plan.peak_phase), static_cast<double>(plan.peak_bytes) / kGiB, static_cast<double>(available) / kGiB,
       advice);
}

// What the libraries below throw becomes the one type that this library throws. Exceptions of the caller's own
// callbacks that are not std::exception pass.
template <typename Work>
auto translated(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "out of memory: the system gave no more");
  } catch (const std::exception& e) {
    fail(ErrorCode::internal, "{}", e.what());
  }
}

}  // namespace

struct Random::State {
  TorchCpuGenerator generator;
};

Random::Random(uint64_t seed) : state_(new State{TorchCpuGenerator(seed)}) {}
Random::Random(Random&&) noexcept = default;
Random& Random::operator=(Random&&) noexcept = default;
Random::~Random() = default;

Image fit_to_model(const Image& image, Version version) {
  const VersionDefaults& v = defaults_of(version);
  if (!v.own_size_only) return fit_to_multiple_of_64(image);
  if (image.width == v.width && image.height == v.height) return image;
  return to_image(cover_crop_area(image, v.width, v.height), v.width, v.height);
}

Image cover_crop(const Image& image, int width, int height) {
  return translated([&] { return to_image(cover_crop_area(image, width, height), width, height); });
}

class Model::State {
 public:
  explicit State(const LoadOptions& options)
      : version(options.version),
        smaller_type(options.device == Device::reference   ? "device cpu"
                     : options.precision == Precision::f32 ? "precision bf16"
                                                           : ""),
        backend(make_backend(options)),  // first: a device that is not there shows before a large file is read
        source(options.checkpoint),
        config(read_config(source)) {
    check_decoder(options, config);
    check_complete(source, config);
  }

  Video generate(const Request& request, Generator& generator, const ProgressCallback& progress);
  void load(const ProgressCallback& progress);
  void unload() {
    parts = {};
    backend->pool().trim();
  }

  // Whether all parts can stay in memory during such a run.
  bool leaves_room(const PipelinePlan& plan) const {
    return plan.peak_bytes_keeping_parts <= available_memory() + backend->pool().live_bytes();
  }

  PipelinePlan plan(const Settings& settings) const {
    return plan_pipeline(config, settings, backend->activation_type());
  }

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

std::string Model::describe_device() const { return state_->backend->describe(); }

Plan Model::plan(const Request& request) const {
  return translated([&]() -> Plan {
    const PipelinePlan plan = state_->plan(resolve(request, state_->version));
    return {state_->parts.keep ? plan.peak_bytes_keeping_parts : plan.peak_bytes, plan.peak_phase, plan.flops};
  });
}

void Model::load(const ProgressCallback& progress) {
  translated([&] { state_->load(progress); });
}

void Model::unload() { state_->unload(); }

uint64_t Model::loaded_bytes() const { return state_->backend->pool().live_bytes(); }

Video Model::generate(const Request& request, Random& random, const ProgressCallback& progress) {
  return translated([&] { return state_->generate(request, random.state_->generator, progress); });
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
    backend_.pool().trim();
  }

 private:
  Backend& backend_;
};

}  // namespace

void Model::State::load(const ProgressCallback& progress) {
  const uint64_t needed = weight_bytes(config, backend->activation_type());
  const uint64_t loaded = backend->pool().live_bytes(), available = available_memory();
  if (needed > available + loaded) {
    fail(ErrorCode::out_of_memory,
         "the whole model takes {:.1f} GiB of memory, {:.1f} GiB are available; without loading it beforehand, a "
         "request has one part at a time in memory",
         static_cast<double>(needed) / kGiB, static_cast<double>(available) / kGiB);
  }
  // Memory grows with the weights that are there, so it measures how far loading has come.
  const ProgressCallback overall = [&](const Progress& p) {
    if (!progress) return true;
    Progress all = p;
    all.fraction = std::min(1.0, static_cast<double>(backend->pool().live_bytes()) / static_cast<double>(needed));
    return progress(all);
  };
  const ProgressReporter::OnOperation nobody;
  ProgressReporter reporter(overall, nobody);
  const PartSource from{source, config, *backend, reporter};
  try {
    parts.keep = true;
    clip_of(from, parts);
    encoder_of(from, parts);
    unet_of(from, parts);
    decoder_of(from, parts);
  } catch (...) {
    unload();
    throw;
  }
}

Video Model::State::generate(const Request& request, Generator& generator, const ProgressCallback& progress) {
  const Settings settings = resolve(request, version);
  const PipelinePlan pipeline_plan = plan(settings);
  KeptParts one_at_a_time;
  KeptParts& used = parts.keep && leaves_room(pipeline_plan) ? parts : one_at_a_time;
  if (&used == &one_at_a_time) {
    const bool keep = parts.keep;
    unload();
    parts.keep = keep;
  }
  if (!used.keep) check_memory(pipeline_plan, settings, smaller_type);

  ProgressReporter reporter(progress, request.on_operation);
  const Observation observation(*backend, reporter);
  const PartSource from{source, config, *backend, reporter};
  const PipelineRun context{from, used, pipeline_plan, request.on_tensor, request.on_step};
  const int fps = std::clamp(settings.fps_id + 1, 1, 120);  // what write_mp4() takes
  return {image_to_video(context, request.image, settings, generator), fps};
}

}  // namespace svd
