// The files that finished jobs have made.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "job.h"
#include "svd/image.h"

namespace svd::server {

// Frames side by side, four in a row, the rest black: as the reference's page shows a video. All of one size.
Image grid_of(std::span<const Image> frames);

// What a start found in the folders of JobFiles.
struct TidyResult {
  std::vector<std::filesystem::path> removed;  // begun by this program and not completed, or on its way out
  std::vector<std::filesystem::path> strange;  // not the store's, and left alone
};

// One folder per finished job in `root`/jobs, made in `root`/unfinished and renamed when it is complete; on its way out
// it is in `root`/removed. Deletes files that this class has made, by their names, in folders of jobs that the store
// knows or has let go; never anything else. Thread-safe as long as no two calls write or remove the same job.
// Throws Error(bad_file).
class JobFiles {
 public:
  explicit JobFiles(std::filesystem::path root);

  // Video, grid and frames; the job's folder appears complete. Returns the bytes of all files.
  uint64_t write(const std::string& id, std::span<const Image> frames, int fps);
  // What an earlier attempt at the job has written, if it is there and complete.
  std::optional<JobResult> find_result(const std::string& id, int frames) const;

  // Whether the disk takes so many bytes more: free space alone does not know of quotas and damaged disks.
  bool can_hold(const std::string& id, uint64_t bytes) const;

  // Takes the files out of sight, then, when the store has let the job go, deletes them; a death in between leaves
  // what tidy() completes or takes back.
  void begin_removal(const std::string& id);
  void end_removal(const std::string& id);
  void undo_removal(const std::string& id);

  // At the start: `is_known` says whether the store has the job.
  TidyResult tidy(const std::function<bool(const std::string&)>& is_known);
  bool has_jobs() const;  // of whatever store

  // The file of that name ("video.mp4", "grid.png", "frames/0003.png") if it is a name that such files have and the
  // job has it.
  std::optional<std::filesystem::path> find(const std::string& id, std::string_view name) const;
  static std::string frame_name(int index);  // "0003.png"

 private:
  std::filesystem::path folder_of(const std::string& id) const { return root_ / "jobs" / id; }
  std::filesystem::path unfinished(const std::string& id) const { return root_ / "unfinished" / id; }
  std::filesystem::path removed(const std::string& id) const { return root_ / "removed" / id; }
  std::filesystem::path root_;
};

}  // namespace svd::server
