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

// A tensor on its way through the program, for comparing with the reference implementation. Valid during the call that
// shows it.
struct TensorRecord {
  std::string_view name;           // "cond_frames", "latents", "decoded" ...
  std::span<const int64_t> shape;  // row-major
  std::span<const float> f32;      // one of the two is filled
  std::span<const uint8_t> u8;
};

// The video as it forms. Valid during the call that shows it.
struct StepView {
  int step, steps;  // done, and in all
  // Returns what the network now takes the clean video for: every frame at an eighth of the size, by a linear map from
  // the latents to colours that is fitted to the request's picture. Milliseconds, where decoding takes minutes. Throws
  // Error(out_of_memory).
  std::function<std::vector<Image>()> preview;
};

// Finished frames, watermark included. Valid during the call that shows them.
struct FrameChunk {
  int first;                      // number of frames[0] in the video; chunks come in order and without gaps
  int total;                      // frames that the video will have
  int fps;                        // frames per second to show them with: fps_id + 1, within 1 to 120
  std::span<const Image> frames;  // of the size of the request's picture
};

// One operation of the networks and what it took: 2 FLOPs per multiply-add of the model's definition, bytes of inputs,
// weights and result counted once, exponentials of attention's softmax.
struct OperationRecord {
  std::string_view kind;    // "conv2d", "attention", ...
  std::string_view detail;  // its shapes
  double seconds, flops, bytes, exponentials;
};

// What to make; ranges and defaults of its numbers and choices: svd/request_fields.h. The callbacks are called in the
// thread of the call that has the request, one at a time; empty ones are not called. What a callback throws ends the
// call and reaches its caller unchanged, as an error of the callback; the model can be used afterwards. A callback must
// not use the model or the stream of random numbers of the call. To stop a call, see ProgressCallback.
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
  // Sees every intermediate; costs memory for all decoded frames, in float32.
  std::function<void(const TensorRecord&)> on_tensor = {};
  // After each denoising step.
  std::function<void(const StepView&)> on_step = {};
  // After each decoded chunk of decoding_t frames: what it does with them, encoding for instance, goes on before the
  // next chunk is decoded. With keep_frames false, memory holds one chunk at a time and Video::frames stays empty.
  std::function<void(const FrameChunk&)> on_frames = {};
  bool keep_frames = true;  // false only with on_frames
  // After each operation of the networks, for profiles.
  std::function<void(const OperationRecord&)> on_operation = {};
};

// What a call is at.
enum class Phase { loading, encoding, denoising, decoding };

// "loading", "encoding" ... Throws Error(invalid_argument) for a number that is no Phase.
SVD_API std::string_view name_of(Phase phase);

struct Progress {
  Phase phase;
  double fraction;        // of the phase, 0 to 1, by the work it has
  int step, steps;        // denoising: steps done and to do; else 0
  std::string_view part;  // loading: the part of the model; else empty. Valid during the call that shows it
};

// Returns whether to go on: false is the one way to cancel a call, which then ends with Error(cancelled), and the model
// can be used afterwards. Called before each operation of the networks and after each step and chunk (thousands of
// times a minute, seldom more than seconds apart), in the thread of the call that takes it; to cancel from another
// thread or a signal handler, let it look at an atomic flag. What it throws is an error of the callback, as with those
// of a Request.
using ProgressCallback = std::function<bool(const Progress&)>;

// What a request takes, known before any work is done.
struct Plan {
  uint64_t peak_bytes;  // of memory, the mapped checkpoint not counted
  Phase peak_phase;     // when that much is used
  double flops;         // useful ones: 2 per multiply-add of the model's definition
};

struct Video {
  std::vector<Image> frames;  // of the size of the request's picture; empty when it said keep_frames = false
  int fps;                    // frames per second to show them with: fps_id + 1, within 1 to 120
};

// A stream of random numbers that draws what PyTorch's CPU generator draws for the same seed. Requests that share one
// go on where the one before stopped, as pictures of a folder do in the reference; a request that fails has drawn what
// it had drawn by then. One call at a time (not thread-safe). One that was moved from can only be assigned to or
// destroyed.
class SVD_API Random {
 public:
  explicit Random(uint64_t seed);  // its low 32 bits, as in PyTorch. Throws Error(out_of_memory)
  Random(Random&&) noexcept;
  Random& operator=(Random&&) noexcept;
  ~Random();

 private:
  friend class Model;
  struct State;
  std::unique_ptr<State> state_;
};

// The picture with sides cut down to multiples of 64 by resampling; for a version that works at its own size only
// (svd_demo), scaled until it just covers that size and cut to it around the centre. Thread-safe. Throws Error:
// invalid_argument when a side is below 64 (with the former), for a picture that is none or a version that is none;
// out_of_memory.
SVD_API Image fit_to_model(const Image& image, Version version = Version::svd);

// The picture as the reference's web page takes it: scaled by area averaging until it just covers width x height
// pixels, and the centre cut out. Thread-safe. Throws Error: invalid_argument for a picture that is none, sides that
// are not 1 to kMaxImageSide or more than kMaxImagePixels in all; out_of_memory.
SVD_API Image cover_crop(const Image& image, int width, int height);

// A checkpoint, opened and checked, and a device. Unless load() was called, the parts of the model are loaded when
// their turn comes and released after it, so that memory holds one at a time. One call at a time (not thread-safe),
// from any thread. A model that was moved from can only be assigned to or destroyed; all else is
// Error(invalid_argument). Several models may live and work at the same time, each with its own threads.
class SVD_API Model {
 public:
  // Throws Error: invalid_argument for options that make no sense; bad_file for a checkpoint that is missing, damaged,
  // of another kind or lacks tensors (all are named); unsupported for a device or precision that is not there;
  // out_of_memory. The file must stay as it is while the model lives.
  explicit Model(const LoadOptions& options);
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;
  ~Model();

  // Loads all parts and keeps them, so that requests need not. A request that leaves no room for that loads and
  // releases its parts one by one, and the next one keeps them again. Progress has the phase `loading` and the fraction
  // of all parts. Throws Error: out_of_memory before it starts, bad_file, and cancelled, after which nothing is kept.
  void load(const ProgressCallback& progress = {});
  void unload();                  // releases what load() keeps
  uint64_t loaded_bytes() const;  // what the parts in memory take now

  std::string describe_device() const;  // "cpu, bf16, amx_bf16, 2 threads"

  // Computes nothing. Throws Error(invalid_argument) for a request that makes no sense; its message names the option.
  // Of a loaded model the peak includes all parts.
  Plan plan(const Request& request) const;

  // Throws Error: as plan() does; out_of_memory, when the plan exceeds what the machine has free, before it starts;
  // bad_file for a damaged checkpoint; internal for weights that give infinite values; cancelled.
  Video generate(const Request& request, Random& random, const ProgressCallback& progress = {});

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace svd
