// The files that finished jobs have made.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job.h"
#include "svd/image.h"

namespace svd::server {

// Frames side by side, four in a row, the rest black: as the reference's page shows a video. All of one size.
Image grid_of(std::span<const Image> frames);

// One folder per finished job below `root`, made elsewhere and renamed when it is complete. Thread-safe as long as no
// two calls write or remove the same job. Throws Error(bad_file).
class JobFiles {
 public:
  explicit JobFiles(std::filesystem::path root);

  // Video, grid and frames; the job's folder appears complete. Returns the bytes of all files.
  uint64_t write(const std::string& id, std::span<const Image> frames, int fps);
  void remove(const std::string& id);
  // Removes what was begun and not completed, and folders of other jobs than these.
  void keep_only(const std::set<std::string>& ids);

  // The file of that name ("video.mp4", "grid.png", "frames/0003.png") if it is a name that such files have and the
  // job has it.
  std::optional<std::filesystem::path> find(const std::string& id, std::string_view name) const;
  static std::string frame_name(int index);  // "0003.png"

  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path folder_of(const std::string& id) const { return root_ / "jobs" / id; }
  std::filesystem::path root_;
};

// A copy of a job's video and grid where the page's user wants them, as NNNNNN.mp4 and NNNNNN.png.
class SavedCopies {
 public:
  // Below `root`, which may be empty: then nothing is ever saved.
  explicit SavedCopies(std::filesystem::path root) : root_(std::move(root)) {}

  bool allowed() const { return !root_.empty(); }
  // Where they go when the client names no folder: "outputs/demo/vid/svd/samples/", with the root for outputs.
  std::string default_path(std::string_view version) const;
  // Throws ApiError 400 unless `path` stays below the root, links followed.
  void check(const std::string& path) const;
  // The paths written. Throws as check() and Error(bad_file).
  std::vector<std::string> save(const std::string& path, const std::filesystem::path& video,
                                const std::filesystem::path& grid) const;

 private:
  std::filesystem::path root_;
};

}  // namespace svd::server
