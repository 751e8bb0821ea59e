// A video file taken apart again, for tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "svd/image.h"

namespace svd::test {

struct Video {
  std::string codec;         // libav's names: "h264"
  std::string pixel_format;  // "yuv420p"
  std::string colours;       // range/matrix/primaries/transfer: "tv/bt709/bt709/bt709"
  int width = 0;
  int height = 0;
  double fps = 0;
  double start = 0;             // seconds, of the first frame
  double duration = 0;          // seconds
  bool index_is_first = false;  // moov box before mdat
  std::vector<Image> frames;    // converted to RGB by the colours above
  std::vector<double> times;    // seconds, of each frame
};

// Decodes the whole file. Throws std::runtime_error.
Video read_video(const std::filesystem::path& path);

}  // namespace svd::test
