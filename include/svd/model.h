// The library: load a model, give it a picture, get a video.
//
//   svd::Model model({.version = svd::Version::svd_xt, .checkpoint = "checkpoints/svd_xt.safetensors"});
//   svd::Random random(23);
//   svd::Video video = model.generate({.image = svd::read_image("photo.jpg")}, random);
//   svd::write_mp4("video.mp4", video.frames, {.fps = video.fps});
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "svd/export.h"
#include "svd/image.h"
#include "svd/options.h"
#include "svd/sampling.h"

namespace svd {

struct LoadOptions {
  Version version = Version::svd;
  std::filesystem::path checkpoint = {};  // safetensors, in the layout of Stability AI's files
  Device device = {};
  Precision precision = Precision::automatic;
  int threads = 0;  // 0: all cores this process may use
};

// A tensor on its way through the program, for comparing with the reference implementation. Valid during the call.
struct TensorRecord {
  std::string_view name;           // as in tests/golden: "cond_frames", "latents", ...
  std::span<const int64_t> shape;  // row-major
  std::span<const float> f32;      // one of the two is filled
  std::span<const uint8_t> u8;
};

// The video as it forms. Valid during the call that shows it.
struct StepView {
  int step, steps;  // done, and in all
  // What the network now takes the clean video for: every frame at an eighth of the size, by a linear map from the
  // latents to colours that is fitted to the request's picture. Milliseconds, where decoding takes minutes.
  std::function<std::vector<Image>()> preview;
};

// One operation of the networks and what it took: 2 FLOPs per multiply-add of the model's definition, bytes of inputs,
// weights and result counted once, exponentials of attention's softmax.
struct OperationRecord {
  std::string_view kind;    // "conv2d", "attention", ...
  std::string_view detail;  // its shapes
  double seconds, flops, bytes, exponentials;
};

// What is asked for. Ranges and defaults of its numbers and choices: request_fields.h.
struct Request {
  // Sides are multiples of 64 (see fit_to_model), 64 to 4096, at most 2^21 pixels; best the size that the version was
  // trained on.
  Image image = {};
  std::optional<int> num_frames = {};  // default: of the version
  std::optional<int> num_steps = {};   // default: of the version
  int fps_id = 6;                      // frame-rate conditioning: frames per second minus one
  int motion_bucket_id = 127;          // motion conditioning: larger moves more
  float cond_aug = 0.02f;              // deviation of the noise added to the picture, in units of its [-1, 1]
  int decoding_t = 14;                 // frames decoded at a time; with a temporal decoder only they see each other
  SamplerSettings sampler = {};
  DiscretizationSettings discretization = {};
  GuiderSettings guider = {};
  bool watermark = true;  // the reference's invisible mark
  // Sees every intermediate; costs memory for the decoded frames.
  std::function<void(const TensorRecord&)> on_tensor = {};
  // Called after each denoising step, in the thread of the call. What it throws ends the call.
  std::function<void(const StepView&)> on_step = {};
  // Called after each operation of the networks, in the thread of the call, for profiles.
  std::function<void(const OperationRecord&)> on_operation = {};
};

enum class Phase { loading, encoding, denoising, decoding };
SVD_API std::string_view name_of(Phase phase);

struct Progress {
  Phase phase;
  double fraction;        // of the phase, 0 ... 1, by the work it has
  int step, steps;        // denoising: steps done and to do; else 0
  std::string_view part;  // loading: the part of the model; else empty
};
// Called often (thousands of times a minute), in the thread of the call that takes it. False ends the call with
// Error(cancelled).
using ProgressCallback = std::function<bool(const Progress&)>;

// What a request takes, known before any work is done.
struct Plan {
  uint64_t peak_bytes;  // of memory, the mapped checkpoint not counted
  Phase peak_phase;
  double flops;  // useful ones: 2 per multiply-add of the model's definition
};

struct Video {
  std::vector<Image> frames;
  int fps;  // to show them with: fps_id + 1, within 1 to 120
};

// A stream of random numbers that draws what PyTorch's CPU generator draws for the same seed. Requests that share one
// go on where the one before stopped, as pictures of a folder do in the reference; a request that fails has drawn what
// it had drawn by then. Not thread-safe.
class SVD_API Random {
 public:
  explicit Random(uint64_t seed);  // its low 32 bits, as in PyTorch
  Random(Random&&) noexcept;
  Random& operator=(Random&&) noexcept;
  ~Random();

 private:
  friend class Model;
  struct State;
  std::unique_ptr<State> state_;
};

// The picture with sides cut down to multiples of 64 by resampling; for a version that works at its own size only
// (svd_demo), scaled until it just covers that size and cut to it around the centre. Throws Error(invalid_argument)
// when a side is below 64 (with the former) or the picture is not width * height * 3 bytes.
SVD_API Image fit_to_model(const Image& image, Version version = Version::svd);

// The picture as the reference's web page takes it: scaled by area averaging until it just covers width x height, and
// the centre cut out.
SVD_API Image cover_crop(const Image& image, int width, int height);

// A checkpoint, opened and checked, and a device. Unless load() was called, the parts of the model are loaded when
// their turn comes and released after it, so that memory holds one at a time. One call at a time (not thread-safe).
class SVD_API Model {
 public:
  // Throws Error: bad_file for a checkpoint that is missing, damaged, of another kind or lacks tensors (all are named);
  // unsupported for a device or precision that is not there.
  explicit Model(const LoadOptions& options);
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  // Loads all parts and keeps them, so that requests need not. A request that leaves no room for that loads and
  // releases its parts one by one, and the next one keeps them again. Progress has the phase `loading` and the fraction
  // of all parts. Throws Error(out_of_memory) before it starts, and Error(cancelled), after which nothing is kept.
  void load(const ProgressCallback& progress = {});
  void unload();
  uint64_t loaded_bytes() const;  // what the parts in memory take now

  std::string describe_device() const;  // "cpu, bf16, amx_bf16, 2 threads"

  // Throws Error(invalid_argument) for a request that makes no sense; its message names the option. Of a loaded model
  // the peak includes all parts.
  Plan plan(const Request& request) const;

  // Throws as plan() does, Error(out_of_memory) before starting when the plan exceeds what the machine has free, and
  // Error(cancelled).
  Video generate(const Request& request, Random& random, const ProgressCallback& progress = {});

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace svd
