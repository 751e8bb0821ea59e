// Frames to an mp4 file.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "svd/export.h"
#include "svd/image.h"

namespace svd {

struct VideoOptions {
  int fps = 7;      // 1 … 120
  int crf = 17;     // x264's constant quality: 0 lossless … 51 worst; 17 cannot be told from the source by eye
  int threads = 0;  // of the encoder; 0: it chooses
};

// Writes H.264, yuv420p, in an mp4 whose index comes first, so that a browser can play it while it loads.
// Colours are BT.709, limited range, and tagged so. H.264 with halved chroma has even sides only: of an odd picture
// the last column or row is repeated once, and the video is one pixel larger (nothing in H.264 can crop one pixel of
// such a picture). The file appears at `path` in finish(), complete; a writer destroyed before that leaves nothing.
// Not thread-safe. Throws Error; its message names the file and what the encoder said.
class SVD_API VideoWriter {
 public:
  VideoWriter(const std::filesystem::path& path, int width, int height, const VideoOptions& options = {});
  VideoWriter(VideoWriter&&) noexcept;
  VideoWriter& operator=(VideoWriter&&) noexcept;
  ~VideoWriter();

  void add(const Image& frame);  // of the size given above
  void finish();                 // at least one frame must have been added

 private:
  class State;
  std::unique_ptr<State> state_;
};

// All frames at once; they must be of one size.
SVD_API void write_mp4(const std::filesystem::path& path, std::span<const Image> frames,
                       const VideoOptions& options = {});

}  // namespace svd
