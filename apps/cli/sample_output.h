// Where a run's videos go: numbered files in a folder.
#pragma once

#include <filesystem>

#include "svd/model.h"
#include "svd/video.h"

namespace svd::cli {

// Makes the folder and checks that a file can be written there, before hours are spent on one. `option` is for
// messages. Throws Error(bad_file).
void prepare_folder(const std::filesystem::path& folder, const char* option);

// The names NNNNNN.mp4 and NNNNNN.jpg, N being the number of .mp4 files in the folder or the next number that is free.
// An empty NNNNNN.jpg holds the number, so that two programs writing to one folder do not take the same; without
// keep() the destructor removes it. Throws Error(bad_file).
class OutputNumber {
 public:
  explicit OutputNumber(const std::filesystem::path& folder);
  OutputNumber(const OutputNumber&) = delete;
  OutputNumber& operator=(const OutputNumber&) = delete;
  ~OutputNumber();

  const std::filesystem::path& video() const { return video_; }
  const std::filesystem::path& picture() const { return picture_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path video_, picture_;
  bool kept_ = false;
};

// One picture's video, written while it is decoded, and the picture beside it. Both appear in finish(); without it the
// destructor leaves nothing.
class VideoOutput {
 public:
  VideoOutput(const std::filesystem::path& folder, const Image& picture, const VideoOptions& options)
      : number_(folder), picture_(picture), writer_(number_.video(), picture.width, picture.height, options) {}

  void add(const FrameChunk& chunk);
  void finish();
  const std::filesystem::path& path() const { return number_.video(); }

 private:
  OutputNumber number_;
  const Image& picture_;  // borrowed
  VideoWriter writer_;
};

}  // namespace svd::cli
