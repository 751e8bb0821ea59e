#include "svd/model.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "backends/cpu/cpu_backend.h"
#include "backends/reference/reference_backend.h"
#include "base/fail.h"
#include "checkpoint/safetensors.h"
#include "media/resample.h"
#include "models/autoencoder.h"
#include "models/clip_vision.h"
#include "models/config.h"
#include "models/video_unet.h"
#include "pipeline/image_to_video.h"
#include "pipeline/load_part.h"

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

void check_memory(const PipelinePlan& plan, const Settings& s, DType activation) {
  const uint64_t available = available_memory();
  if (plan.peak_bytes <= available) return;
  std::string advice = "a smaller picture or fewer frames (num_frames)";
  if (plan.peak_phase == Phase::decoding && s.decoding_t > 1 && s.num_frames > 1) {
    advice = fmt::format("decoding fewer frames at a time (decoding_t, now {}) or {}", s.decoding_t, advice);
  }
  if (activation == DType::f32 && best_cpu_precision() == Precision::bf16) advice += ", or precision bf16";
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

class Model::State {
 public:
  explicit State(const LoadOptions& options)
      : version(options.version),
        backend(make_backend(options)),  // first: a device that is not there shows before a large file is read
        source(options.checkpoint),
        config(read_config(source)) {
    check_decoder(options, config);
    check_complete(source, config);
  }

  Video generate(const Request& request, Generator& generator, const ProgressCallback& progress);

  PipelinePlan plan(const Settings& settings) const {
    return plan_pipeline(config, settings, backend->activation_type());
  }

  Version version;
  std::unique_ptr<Backend> backend;
  SafetensorsFile source;
  StableVideoConfig config;
};

Model::Model(const LoadOptions& options) : state_(translated([&] { return std::make_unique<State>(options); })) {}
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;
Model::~Model() = default;

std::string Model::describe_device() const { return state_->backend->describe(); }

Plan Model::plan(const Request& request) const {
  return translated([&]() -> Plan {
    const PipelinePlan plan = state_->plan(resolve(request, state_->version));
    return {plan.peak_bytes, plan.peak_phase, plan.flops};
  });
}

Video Model::generate(const Request& request, Random& random, const ProgressCallback& progress) {
  return translated([&] { return state_->generate(request, random.state_->generator, progress); });
}

Video Model::State::generate(const Request& request, Generator& generator, const ProgressCallback& progress) {
  const Settings settings = resolve(request, version);
  const PipelinePlan pipeline_plan = plan(settings);
  check_memory(pipeline_plan, settings, backend->activation_type());

  ProgressReporter reporter(progress);
  struct Observation {  // ends with this call, however it ends
    Observation(Backend& b, OpObserver& observer) : backend(b) { backend.set_observer(&observer); }
    ~Observation() {
      backend.set_observer(nullptr);
      backend.pool().trim();
    }
    Backend& backend;
  } observation(*backend, reporter);
  const PipelineContext context{source, config, *backend, pipeline_plan, reporter, request.on_tensor};
  const int fps = std::clamp(settings.fps_id + 1, 1, 120);  // what write_mp4() takes
  return {image_to_video(context, request.image, settings, generator), fps};
}

}  // namespace svd
