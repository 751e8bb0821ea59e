// Where a run's videos go: numbered files in a folder.
#pragma once

#include <filesystem>

#include "svd/model.h"
#include "svd/video.h"

namespace svd::cli {

// The dangling link that is `path` or one of the folders on the way to it; empty if there is none.
std::filesystem::path dangling_link(const std::filesystem::path& path);

// Creates the folder and checks that it can be written to, before hours are spent on a video. `option` is for messages.
// Throws Error(bad_file).
void prepare_folder(const std::filesystem::path& folder, const char* option);

// The names NNNNNN.mp4 and NNNNNN.jpg, where N is the number of .mp4 files in the folder, or the next free number. An
// empty NNNNNN.jpg reserves it, so that two programs writing to the same folder do not collide; without keep(), the
// destructor removes that file. Throws Error(bad_file).
class OutputNumber {
 public:
  explicit OutputNumber(const std::filesystem::path& folder);
  OutputNumber(const OutputNumber&) = delete;
  OutputNumber& operator=(const OutputNumber&) = delete;
  ~OutputNumber();

  const std::filesystem::path& video() const { return video_; }
  const std::filesystem::path& image() const { return image_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path video_, image_;
  bool kept_ = false;
};

// One picture's video, written while it is decoded, and the picture beside it. Both appear in finish(); without it the
// destructor leaves nothing.
class VideoOutput {
 public:
  VideoOutput(const std::filesystem::path& folder, const Image& image, const VideoOptions& options)
      : number_(folder), image_(image), writer_(number_.video(), image.width, image.height, options) {}

  void add(const FrameChunk& chunk);
  void finish();
  const std::filesystem::path& path() const { return number_.video(); }

 private:
  OutputNumber number_;
  const Image& image_;  // borrowed
  VideoWriter writer_;
};

}  // namespace svd::cli
