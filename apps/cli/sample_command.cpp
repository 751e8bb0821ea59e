// svd sample: the options of Stability AI's simple_video_sample.py.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>

#include "base/fail.h"
#include "base/memory.h"
#include "checkpoint/safetensors.h"
#include "command.h"
#include "interrupt.h"
#include "progress_bar.h"
#include "sample_output.h"
#include "svd/svd.h"

namespace svd::cli {
namespace {

namespace fs = std::filesystem;

struct SampleOptions {
  std::string input_path;
  std::string version = "svd";
  int num_frames = 0, num_steps = 0;  // 0: the version's
  int fps_id = 6;
  int motion_bucket_id = 127;
  float cond_aug = 0.02f;
  uint64_t seed = 23;
  bool seed_per_picture = false;
  int decoding_t = 14;
  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;
  std::string checkpoint, output_folder;
  int fps = 0;
  bool watermark = true;
  std::string save_tensors;
  bool quiet = false;
};

template <typename T>
T named(const std::map<std::string, T>& names, const std::string& name) {
  return names.at(name);  // CLI11 has checked it
}

const std::map<std::string, Device> kDevices = {
    {"auto", Device::automatic}, {"cpu", Device::cpu}, {"cuda", Device::cuda}, {"reference", Device::reference}};
const std::map<std::string, Precision> kPrecisions = {
    {"auto", Precision::automatic}, {"f32", Precision::f32}, {"bf16", Precision::bf16}};

template <typename T>
CLI::IsMember one_of(const std::map<std::string, T>& names) {
  std::vector<std::string> list;
  for (const auto& [name, value] : names) list.push_back(name);
  return CLI::IsMember(list);
}

std::vector<std::string> version_names() {
  std::vector<std::string> names;
  for (const Version v : all_versions()) names.emplace_back(defaults_of(v).name);
  return names;
}

fs::path bundled_picture() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder : {program.parent_path().parent_path() / "share" / "svd", fs::path(SVD_SOURCE_ASSETS)}) {
    if (fs::exists(folder / "rocket.jpg", error)) return folder / "rocket.jpg";
  }
  fail(ErrorCode::bad_file, "the bundled picture is not there; give one: svd sample PICTURE");
}

fs::path find_checkpoint(const SampleOptions& o) {
  std::error_code error;
  if (!o.checkpoint.empty()) {
    if (!fs::exists(o.checkpoint, error)) {
      fail(ErrorCode::bad_file, "{}: there is no such checkpoint file (checkpoint)", o.checkpoint);
    }
    return o.checkpoint;
  }
  const std::string file = o.version + ".safetensors";
  std::vector<fs::path> places = {fs::path("checkpoints") / file};
  if (const char* folder = std::getenv("SVD_CHECKPOINTS"); folder && *folder) places.push_back(fs::path(folder) / file);
  std::string looked;
  for (const fs::path& place : places) {
    if (fs::exists(place, error)) return place;
    looked += (looked.empty() ? "" : " and ") + place.string();
  }
  const bool xt = o.version.find("_xt") != std::string::npos;
  const std::string repository = fmt::format("stabilityai/stable-video-diffusion-img2vid{}{}", xt ? "-xt" : "",
                                             o.version == "svd_xt_1_1" ? "-1-1" : "");
  fail(ErrorCode::bad_file,
       "no checkpoint for version {}: looked for {}. The weights are Stability AI's and under their licence: fetch {} "
       "({}) from {} on Hugging Face, or name the file with --checkpoint. To try the program without them: svd synth "
       "--size tiny --version {} --output checkpoints/{}",
       o.version, looked, file, o.version == "svd_xt_1_1" ? "4.78 GB" : "9.56 GB", repository, o.version, file);
}

void warn_as_the_reference_does(const SampleOptions& o) {
  if (o.motion_bucket_id > 255) warn("motion_bucket_id above 255: the model was not trained on so much motion");
  if (o.fps_id < 5) warn("fps_id below 5: the model may not do well with so low a frame rate");
  if (o.fps_id > 30) warn("fps_id above 30: the model may not do well with so high a frame rate");
}

Image read_picture(const fs::path& path) {
  Image image = read_image(path);
  const Image fitted = fit_to_model(image);
  if (fitted.width != image.width || fitted.height != image.height) {
    warn(fmt::format("{}: {} x {} (width x height) are not both multiples of 64; resized to {} x {}", path.string(),
                     image.width, image.height, fitted.width, fitted.height));
  }
  if (fitted.width != 1024 || fitted.height != 576) {
    warn(fmt::format("{}: {} x {}; the model was trained on 1024 x 576 and may do worse on other sizes", path.string(),
                     fitted.width, fitted.height));
  }
  return fitted;
}

// The intermediates of one picture, kept for the file.
class TensorFile {
 public:
  explicit TensorFile(fs::path path) : path_(std::move(path)) {}

  void keep(const TensorRecord& r) {
    Entry& entry = entries_[std::string(r.name)];
    const auto bytes = r.u8.empty() ? std::as_bytes(r.f32) : std::as_bytes(r.u8);
    entry.bytes.assign(bytes.begin(), bytes.end());
    entry.info = {Shape(r.shape), r.u8.empty() ? DType::f32 : DType::u8};
  }

  void write() const {
    std::map<std::string, TensorBytes, std::less<>> tensors;
    for (const auto& [name, entry] : entries_) tensors[name] = {entry.info, entry.bytes};
    write_safetensors(path_, tensors);
  }

 private:
  struct Entry {
    TensorInfo info;
    std::vector<std::byte> bytes;
  };
  fs::path path_;
  std::map<std::string, Entry> entries_;
};

class Sampling {
 public:
  explicit Sampling(const SampleOptions& options) : o_(options), random_(options.seed) {}

  int run() {
    const std::vector<fs::path> pictures =
        pictures_at(o_.input_path.empty() ? bundled_picture() : fs::path(o_.input_path));
    if (!o_.save_tensors.empty() && pictures.size() > 1) {
      fail(ErrorCode::invalid_argument,
           "save_tensors: one file holds one picture's tensors, but input_path names {} pictures", pictures.size());
    }
    warn_as_the_reference_does(o_);
    const fs::path checkpoint = find_checkpoint(o_);
    const fs::path folder =
        o_.output_folder.empty() ? fs::path("outputs/simple_video_sample") / o_.version : fs::path(o_.output_folder);
    prepare_folder(folder);
    Model model({.version = *version_named(o_.version),
                 .checkpoint = checkpoint,
                 .device = named(kDevices, o_.device),
                 .precision = named(kPrecisions, o_.precision),
                 .threads = o_.threads});
    say(fmt::format("{} from {} on {}", o_.version, checkpoint.string(), model.describe_device()));

    size_t failures = 0;
    for (const fs::path& picture : pictures) {
      try {
        sample(model, picture, folder);
      } catch (const Error& e) {
        // In a folder, one bad picture does not keep the others from their videos.
        const bool of_this_picture = e.code() == ErrorCode::bad_file || e.code() == ErrorCode::invalid_argument;
        if (pictures.size() == 1 || !of_this_picture) throw;
        fmt::print(stderr, "svd: error: {}\n", e.what());
        ++failures;
      }
    }
    if (failures == 0) return kSuccess;
    fmt::print(stderr, "svd: error: {} of {} pictures failed\n", failures, pictures.size());
    return kFailure;
  }

 private:
  void say(const std::string& message) const {
    if (!o_.quiet) fmt::print(stderr, "{}\n", message);
  }

  Request request_for(const fs::path& picture) const {
    Request request{.image = read_picture(picture),
                    .fps_id = o_.fps_id,
                    .motion_bucket_id = o_.motion_bucket_id,
                    .cond_aug = o_.cond_aug,
                    .decoding_t = o_.decoding_t,
                    .watermark = o_.watermark};
    if (o_.num_frames > 0) request.num_frames = o_.num_frames;
    if (o_.num_steps > 0) request.num_steps = o_.num_steps;
    return request;
  }

  void sample(Model& model, const fs::path& picture, const fs::path& folder) {
    const auto begin = std::chrono::steady_clock::now();
    Request request = request_for(picture);
    std::unique_ptr<TensorFile> tensors;
    if (!o_.save_tensors.empty()) {
      tensors = std::make_unique<TensorFile>(o_.save_tensors);
      request.on_tensor = [&](const TensorRecord& r) { tensors->keep(r); };
    }
    const VersionDefaults& defaults = defaults_of(*version_named(o_.version));
    const Plan plan = model.plan(request);
    say(fmt::format("{}: {} x {}, {} frames, {} steps; planned peak memory: {} ({}) of {} available", picture.string(),
                    request.image.width, request.image.height, request.num_frames.value_or(defaults.num_frames),
                    request.num_steps.value_or(defaults.num_steps), gibibytes(plan.peak_bytes),
                    name_of(plan.peak_phase), gibibytes(available_memory())));

    if (o_.seed_per_picture) random_ = Random(o_.seed);
    ProgressBar bar(ProgressBar::detect(o_.quiet));
    watch_for_interrupt();
    const Video video = model.generate(request, random_, [&](const Progress& p) {
      bar.update(p);
      return !interrupted();
    });
    bar.finish();

    const OutputFiles files = next_output(folder);
    if (tensors) tensors->write();
    write_jpeg(files.picture, request.image);
    write_mp4(files.video, video.frames, {.fps = o_.fps > 0 ? o_.fps : video.fps, .threads = o_.threads});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    say(fmt::format("{}: done in {} (loading {}, encoding {}, denoising {}, decoding {}), peak memory {}",
                    files.video.string(), duration(seconds), duration(bar.seconds(Phase::loading)),
                    duration(bar.seconds(Phase::encoding)), duration(bar.seconds(Phase::denoising)),
                    duration(bar.seconds(Phase::decoding)), gibibytes(process_memory().peak_resident_bytes)));
    fmt::print("{}\n", files.video.string());
    std::fflush(stdout);
  }

  const SampleOptions& o_;
  Random random_;
};

}  // namespace

void add_sample_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<SampleOptions>();
  CLI::App* c = app.add_subcommand("sample", "Make a video from a picture, or one from each picture of a folder");
  c->footer(
      "Names may be written with - or _, values with = or a space. The paths of the videos go to the standard output,\n"
      "everything else to the error output. Sides of the picture that are not multiples of 64 are cut down to the "
      "next\n"
      "lower one. Weights: bring Stability AI's files; nothing is ever downloaded.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong use, 130 stopped by Ctrl-C.\n\n"
      "Examples:\n"
      "  svd sample photo.jpg\n"
      "  svd sample --input_path=photos/ --version=svd_xt --num_frames=20 --output_folder=videos\n"
      "  svd sample photo.jpg --motion_bucket_id 40 --decoding_t 4        less motion, less memory\n");

  c->add_option("--input_path,picture", o->input_path,
                "Picture (JPEG, PNG, WebP) or folder of pictures; default: the bundled one")
      ->group("Input and output");
  c->add_option("--output_folder", o->output_folder,
                "Where NNNNNN.mp4 and the picture as NNNNNN.jpg go; default: outputs/simple_video_sample/<version>/")
      ->group("Input and output");
  c->add_option("--fps", o->fps, "Frame rate of the video; default: fps_id + 1")
      ->check(CLI::Range(1, 120))
      ->group("Input and output");
  c->add_option("--watermark", o->watermark, "The reference's invisible mark in every frame")
      ->capture_default_str()
      ->group("Input and output");
  c->add_option("--save_tensors", o->save_tensors,
                "Safetensors file for the intermediates, for comparing with the reference; one picture only")
      ->group("Input and output");
  c->add_flag("--quiet,-q", o->quiet, "No progress, only warnings and errors")->group("Input and output");

  c->add_option("--version", o->version, "Model")
      ->check(CLI::IsMember(version_names()))
      ->capture_default_str()
      ->group("Model");
  c->add_option("--checkpoint", o->checkpoint,
                "Checkpoint; default: checkpoints/<version>.safetensors here or in the folder $SVD_CHECKPOINTS")
      ->group("Model");

  c->add_option("--num_frames", o->num_frames, "Frames; default: 14 (svd...), 25 (svd_xt...)")
      ->check(CLI::Range(1, 1024))
      ->group("Video");
  c->add_option("--num_steps", o->num_steps, "Denoising steps; default: 25 (svd...), 30 (svd_xt...)")
      ->check(CLI::Range(1, 1000))
      ->group("Video");
  c->add_option("--fps_id", o->fps_id, "Frame rate that the model is told, minus one")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group("Video");
  c->add_option("--motion_bucket_id", o->motion_bucket_id, "Motion that the model is told: larger moves more")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str()
      ->group("Video");
  c->add_option("--cond_aug", o->cond_aug,
                "Noise added to the picture it starts from; more lets the video stray further")
      ->check(CLI::Range(0.0f, 100.0f))
      ->capture_default_str()
      ->group("Video");
  c->add_option("--seed", o->seed, "Of the random numbers: those of PyTorch on the CPU")
      ->capture_default_str()
      ->group("Video");
  c->add_flag("--seed_per_picture", o->seed_per_picture,
              "Start again from the seed for every picture of a folder; else one stream runs through all")
      ->group("Video");

  c->add_option("--decoding_t", o->decoding_t, "Frames decoded at a time; fewer need less memory")
      ->check(CLI::Range(1, 1 << 30))
      ->capture_default_str()
      ->group("Machine");
  c->add_option("--device", o->device, "auto: the best there is; reference: plain loops, for checking")
      ->check(one_of(kDevices))
      ->capture_default_str()
      ->group("Machine");
  c->add_option("--precision", o->precision, "auto: bf16 where the CPU multiplies it, else f32")
      ->check(one_of(kPrecisions))
      ->capture_default_str()
      ->group("Machine");
  c->add_option("--threads", o->threads, "Default: all cores")->check(CLI::Range(1, 1024))->group("Machine");
  c->callback([o, &run] { run = [o] { return Sampling(*o).run(); }; });
}

}  // namespace svd::cli
