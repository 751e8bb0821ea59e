// svd sample: a video from each picture.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/fail.h"
#include "base/memory.h"
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

// One picture cannot be used; the others of a folder can.
struct PictureError : Error {
  using Error::Error;
};

constexpr int kHighestFps = 120;  // of a video file; the library keeps to it

void warn_as_the_reference_does(const SampleOptions& o) {
  if (o.request.motion_bucket_id > 255) {
    warn(fmt::format("motion_bucket_id {}: above 255, more motion than the model was trained on",
                     o.request.motion_bucket_id));
  }
  if (o.request.fps_id < 5)
    warn(fmt::format("fps_id {}: below 5, a lower frame rate than the model does well", o.request.fps_id));
  if (o.request.fps_id > 30)
    warn(fmt::format("fps_id {}: above 30, a higher frame rate than the model does well", o.request.fps_id));
  if (o.fps == 0 && o.request.fps_id + 1 > kHighestFps) {
    warn(fmt::format("fps_id {}: the video file gets {} frames per second, the most it can have", o.request.fps_id,
                     kHighestFps));
  }
}

class Sampling {
 public:
  explicit Sampling(const SampleOptions& options) : o_(options), random_(options.seed) {
    folder_ = o_.output_folder.empty() ? fs::path("outputs/simple_video_sample") / defaults_of(o_.version).name
                                       : fs::path(o_.output_folder);
  }

  int run() {
    watch_for_interrupt();  // before anything is put on the disk
    const Request& r = o_.request;
    check_sampling(r.sampler, r.discretization, r.guider, r.num_steps.value_or(defaults_of(o_.version).num_steps));
    const std::vector<fs::path> pictures =
        pictures_at(o_.input_path.empty() ? bundled_picture(o_.version) : fs::path(o_.input_path));
    if (!o_.save_tensors.empty() && pictures.size() > 1) {
      fail(ErrorCode::invalid_argument,
           "save_tensors: one file holds one picture's tensors, but input_path names {} pictures", pictures.size());
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
    return sample_all(model, pictures);
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

  int sample_all(Model& model, const std::vector<fs::path>& pictures) {
    size_t failures = 0;
    for (const fs::path& picture : pictures) {
      try {
        sample(model, picture);
      } catch (const PictureError& e) {
        if (pictures.size() == 1) throw;
        fmt::print(stderr, "svd: error: {}\n", e.what());
        ++failures;
      }
    }
    if (pictures.size() > 1) {
      const std::string summary =
          fmt::format("{} of {} pictures became videos", pictures.size() - failures, pictures.size());
      failures == 0 ? say(summary) : fmt::print(stderr, "svd: error: {}, {} failed\n", summary, failures);
    }
    return failures == 0 ? kSuccess : kFailure;
  }

  void sample(Model& model, const fs::path& picture) {
    const auto begin = std::chrono::steady_clock::now();
    Request request = request_for(model, picture);
    std::optional<TensorFile> tensors;
    if (!o_.save_tensors.empty()) {
      tensors.emplace(o_.save_tensors);
      request.on_tensor = [&](const TensorRecord& r) { tensors->keep(r); };
    }
    bench::OpProfile profile;
    if (o_.profile) request.on_operation = [&](const OperationRecord& r) { profile.add(r); };
    ProgressBar bar(ProgressBar::detect(o_.quiet));
    const Video video = generate(model, request, picture, bar);
    OutputNumber output(folder_);
    write_jpeg(output.picture(), request.image);
    write_mp4(output.video(), video.frames, {.fps = o_.fps > 0 ? o_.fps : video.fps, .threads = o_.threads});
    output.keep();
    if (tensors) tensors->write();  // last: a full disk must not cost the video
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    say(
        fmt::format("{}: done in {} (loading {}, encoding {}, denoising {}, decoding {}); peak memory {}, the mapped "
                    "checkpoint included",
                    output.video().string(), duration(seconds), duration(bar.seconds(Phase::loading)),
                    duration(bar.seconds(Phase::encoding)), duration(bar.seconds(Phase::denoising)),
                    duration(bar.seconds(Phase::decoding)), gibibytes(process_memory().peak_resident_bytes)));
    if (o_.profile) print_profile(profile, seconds);
    fmt::print("{}\n", output.video().string());
    std::fflush(stdout);
  }

  // The whole time includes loading, and pictures and video, which are no operations of the networks.
  void print_profile(const bench::OpProfile& profile, double seconds) const {
    const bench::MachinePeak peak = bench::measure_peak_of(o_.device, o_.precision, o_.threads);
    fmt::print(stderr, "\nprofile: {:.3f} TFLOP/s is the peak ({}); {}", peak.flops / 1e12, peak.instruction,
               bench::ops_table(profile.totals(), seconds, peak.flops));
  }

  // Says what will be done and what it takes.
  Request request_for(const Model& model, const fs::path& picture) const {
    Request request = with_defaults(o_.request, o_.version);
    Plan plan{};
    try {
      request.image = read_picture(picture, o_.version);
      plan = model.plan(request);
    } catch (const Error& e) {
      if (e.code() == ErrorCode::bad_file) throw PictureError(e.code(), e.what());
      // The options have been checked: it is the picture.
      if (e.code() != ErrorCode::invalid_argument) throw;
      throw PictureError(ErrorCode::bad_file, fmt::format("{}: {}", picture.string(), e.what()));
    }
    say(fmt::format("{}: {} x {}, {} frames, {} steps; planned peak memory: {} (while {}) of {} free", picture.string(),
                    request.image.width, request.image.height, *request.num_frames, *request.num_steps,
                    gibibytes(plan.peak_bytes), name_of(plan.peak_phase), gibibytes(available_memory())));
    return request;
  }

  Video generate(Model& model, const Request& request, const fs::path& picture, ProgressBar& bar) {
    if (o_.seed_per_picture) random_ = Random(o_.seed);
    try {
      Video video = model.generate(request, random_, [&](const Progress& p) {
        bar.update(p);
        return !interrupted();
      });
      bar.finish();
      return video;
    } catch (const Error& e) {
      if (e.code() != ErrorCode::out_of_memory) throw;
      throw PictureError(e.code(), fmt::format("{}: {}", picture.string(), e.what()));
    }
  }

  const SampleOptions& o_;
  Random random_;
  fs::path folder_;
};

}  // namespace

void add_sample_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<SampleOptions>();
  CLI::App* c = app.add_subcommand("sample", "Make a video from a picture, or one from each picture of a folder");
  add_sample_options(*c, *o);
  c->callback([o, &run] { run = [o] { return Sampling(*o).run(); }; });
}

}  // namespace svd::cli
