// Where a run's videos go: numbered files in a folder.
#pragma once

#include <filesystem>

namespace svd::cli {

// The link to nothing that is `path` or a folder on its way; empty when there is none.
std::filesystem::path dangling_link(const std::filesystem::path& path);

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

}  // namespace svd::cli
