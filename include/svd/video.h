// Frames to an mp4 file.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "svd/export.h"
#include "svd/image.h"

namespace svd {

struct VideoOptions {
  int fps = 7;      // frames per second, 1 to 120
  int crf = 17;     // x264's constant quality: 0 lossless to 51 worst; 17 cannot be told from the source by eye
  int threads = 0;  // of the encoder; 0: it chooses
};

// Writes H.264, yuv420p, in an mp4 whose index comes first, so that a browser can play it while it loads. Colours are
// BT.709, limited range, and tagged so. H.264 with halved chroma has even sides only: of an odd picture the last column
// or row is repeated once, and the video is one pixel larger (nothing in H.264 can crop one pixel of such a picture).
//
// The file is written under a hidden name beside `path` and appears at `path` in finish(), complete, in place of an
// older one; a writer destroyed before that leaves nothing. One call at a time (not thread-safe), from any thread.
//
// Throws Error, whose message names the file and what the encoder said: invalid_argument for an option, a size or a
// frame that cannot be used, for an empty path, and for a writer that is finished or was moved from; bad_file when the
// file cannot be written; unsupported when this machine's FFmpeg has no H.264 encoder; out_of_memory.
class SVD_API VideoWriter {
 public:
  // Makes the folder of `path` as needed. width, height: of the frames, 2 to kMaxImageSide pixels.
  VideoWriter(const std::filesystem::path& path, int width, int height, const VideoOptions& options = {});
  VideoWriter(VideoWriter&&) noexcept;  // the other one can then only be assigned to or destroyed
  VideoWriter& operator=(VideoWriter&&) noexcept;
  ~VideoWriter();

  // Encodes a frame of the size given above; keeps no reference to it. A frame that is refused as invalid_argument
  // leaves the writer as it was; after any other Error it can only be destroyed.
  void add(const Image& frame);

  // The last call: at least one frame must have been added. Also when it throws, the writer is finished.
  void finish();

 private:
  class State;
  std::unique_ptr<State> state_;  // none: finished, or moved from
  State& state() const;
};

// All frames at once; they must be of one size, and at least one. Throws as VideoWriter does. Thread-safe.
SVD_API void write_mp4(const std::filesystem::path& path, std::span<const Image> frames,
                       const VideoOptions& options = {});

}  // namespace svd
