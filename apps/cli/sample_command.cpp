// svd sample: a video from each picture.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/fail.h"
#include "base/process_memory.h"
#include "bench/op_profile.h"
#include "bench/peak.h"
#include "bench/report.h"
#include "command.h"
#include "interrupt.h"
#include "progress_bar.h"
#include "sample_input.h"
#include "sample_options.h"
#include "sample_output.h"
#include "svd/svd.h"
#include "tensor_file.h"

namespace svd::cli {
namespace {

namespace fs = std::filesystem;

// A picture cannot be used. The others in the folder may be fine.
struct ImageError : Error {
  using Error::Error;
};

constexpr int kMaxFileFps = 120;  // of a video file; the library's limit

void warn_as_the_reference_does(const SampleOptions& o) {
  if (o.request.motion_bucket_id > 255) {
    warn(fmt::format("motion_bucket_id {}: above 255, more motion than the model was trained on",
                     o.request.motion_bucket_id));
  }
  const int fps_id = o.request.fps_id;
  if (fps_id < 5) warn(fmt::format("fps_id {}: below 5, a lower frame rate than the model handles well", fps_id));
  if (fps_id > 30) warn(fmt::format("fps_id {}: above 30, a higher frame rate than the model handles well", fps_id));
  if (o.fps == 0 && fps_id + 1 > kMaxFileFps) {
    warn(fmt::format("fps_id {}: the video file has {} frames per second, which is the maximum", fps_id, kMaxFileFps));
  }
}

class Sampling {
 public:
  explicit Sampling(const SampleOptions& options) : o_(options), random_(options.seed) {
    folder_ = o_.output_folder.empty() ? fs::path("outputs/simple_video_sample") / defaults_of(o_.version).name
                                       : fs::path(o_.output_folder);
  }

  int run() {
    watch_for_interrupt();  // before anything is written to disk
    const Request& r = o_.request;
    check_sampling(r.sampler, r.discretization, r.guider, r.num_steps.value_or(defaults_of(o_.version).num_steps));
    const std::vector<fs::path> files =
        image_files_at(o_.input_path.empty() ? bundled_image(o_.version) : fs::path(o_.input_path));
    if (!o_.save_tensors.empty() && files.size() > 1) {
      fail(ErrorCode::invalid_argument,
           "save_tensors: the file holds the tensors of one picture, but input_path names {}; expected one picture",
           files.size());
    }
    warn_as_the_reference_does(o_);
    const fs::path checkpoint = find_checkpoint(o_.checkpoint, o_.version);
    Model model({.version = o_.version,
                 .checkpoint = checkpoint,
                 .device = o_.device,
                 .precision = o_.precision,
                 .threads = o_.threads});
    say(fmt::format("{} from {} on {}", defaults_of(o_.version).name, checkpoint.string(), model.describe_device()));
    prepare_outputs();
    return sample_all(model, files);
  }

 private:
  void say(const std::string& message) const {
    if (!o_.quiet) fmt::print(stderr, "{}\n", message);
  }

  void prepare_outputs() const {
    prepare_folder(folder_, "output_folder");
    if (o_.save_tensors.empty()) return;
    const fs::path file = o_.save_tensors;
    prepare_folder(file.has_parent_path() ? file.parent_path() : fs::path("."), "save_tensors");
    if (fs::is_directory(file)) {
      fail(ErrorCode::bad_file, "{}: expected a file name, found a folder (save_tensors)", file.string());
    }
  }

  int sample_all(Model& model, const std::vector<fs::path>& files) {
    size_t failures = 0;
    for (const fs::path& file : files) {
      try {
        sample(model, file);
      } catch (const ImageError& e) {
        if (files.size() == 1) throw;
        fmt::print(stderr, "svd: error: {}\n", e.what());
        ++failures;
      }
    }
    if (files.size() > 1) {
      const std::string summary = fmt::format("made {} of {} videos", files.size() - failures, files.size());
      failures == 0 ? say(summary) : fmt::print(stderr, "svd: error: {}; {} failed\n", summary, failures);
    }
    return failures == 0 ? kSuccess : kFailure;
  }

  void sample(Model& model, const fs::path& file) {
    const auto begin = std::chrono::steady_clock::now();
    Request request = request_for(model, file);
    std::optional<TensorFile> tensors;
    if (!o_.save_tensors.empty()) {
      tensors.emplace(o_.save_tensors);
      request.on_tensor = [&](const TensorRecord& r) { tensors->keep(r); };
    }
    bench::OpProfile profile;
    if (o_.profile) request.on_operation = [&](const OperationRecord& r) { profile.add(r); };
    std::optional<VideoOutput> output;  // from the first frames on
    request.keep_frames = false;
    request.on_frames = [&](const FrameChunk& chunk) {
      const VideoOptions options{.fps = o_.fps > 0 ? o_.fps : chunk.fps, .threads = o_.threads};
      if (!output) output.emplace(folder_, request.image, options);
      output->add(chunk);
    };
    ProgressBar bar(ProgressBar::detect(o_.quiet));
    generate(model, request, file, bar);
    output->finish();
    if (tensors) tensors->write();  // last: a full disk must not cost the video
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    say(fmt::format(
        "{}: done in {} (loading {}, encoding {}, denoising {}, decoding {}); peak memory {}, including the mapped "
        "checkpoint",
        output->path().string(), duration(seconds), duration(bar.seconds(Phase::loading)),
        duration(bar.seconds(Phase::encoding)), duration(bar.seconds(Phase::denoising)),
        duration(bar.seconds(Phase::decoding)), gibibytes(process_memory().peak_resident_bytes)));
    if (o_.profile) print_profile(profile, seconds);
    fmt::print("{}\n", output->path().string());
    std::fflush(stdout);
  }

  // The total includes loading and the picture and video files, which are not operations of the networks.
  void print_profile(const bench::OpProfile& profile, double seconds) const {
    const bench::MachinePeak peak = bench::measure_peak_of(o_.device, o_.precision, o_.threads);
    fmt::print(stderr, "\nprofile: peak {:.3f} TFLOP/s ({}); {}", peak.flops / 1e12, peak.instruction,
               bench::ops_table(profile.totals(), seconds, peak.flops));
  }

  // Prints what will be done and what it will take.
  Request request_for(const Model& model, const fs::path& file) const {
    Request request = with_defaults(o_.request, o_.version);
    Plan plan{};
    try {
      request.image = read_fitted_image(file, o_.version, o_.color);
      plan = model.plan(request);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::bad_file) throw ImageError(e.code(), e.what());
      // The options have been checked, so it must be the picture.
      if (e.code() != ErrorCode::invalid_argument) throw;
      throw ImageError(ErrorCode::bad_file, fmt::format("{}: {}", file.string(), e.what()));
    }
    say(fmt::format("{}: {} x {}, {} frames, {} steps; planned peak memory: {} (while {}), {} free", file.string(),
                    request.image.width, request.image.height, *request.num_frames, *request.num_steps,
                    gibibytes(plan.peak_bytes), name_of(plan.peak_phase), gibibytes(available_host_memory())));
    return request;
  }

  void generate(Model& model, const Request& request, const fs::path& file, ProgressBar& bar) {
    if (o_.seed_per_picture) random_ = Random(o_.seed);
    try {
      model.generate(request, random_, [&](const Progress& p) {
        bar.update(p);
        return !interrupted();
      });
      bar.finish();
    } catch (const Error& e) {
      if (e.code() != ErrorCode::out_of_memory) throw;
      throw ImageError(e.code(), fmt::format("{}: {}", file.string(), e.what()));
    }
  }

  const SampleOptions& o_;
  Random random_;
  fs::path folder_;
};

}  // namespace

void add_sample_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<SampleOptions>();
  CLI::App* c = app.add_subcommand("sample", "Make a video from a picture, or from each picture in a folder");
  add_sample_options(*c, *o);
  c->callback([o, &run] { run = [o] { return Sampling(*o).run(); }; });
}

}  // namespace svd::cli
