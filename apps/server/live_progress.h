// How far the running job is. Kept in memory only: after a restart it begins again anyway.
#pragma once

#include <mutex>
#include <optional>
#include <string>

namespace svd::server {

struct JobProgress {
  std::string phase = "loading";  // "encoding", "denoising", "decoding"
  double fraction = 0;            // of the phase
  int step = 0, steps = 0;
  std::optional<double> seconds_per_step = {};
  std::optional<double> seconds_left = {};  // of the phase
  int preview = 0;                          // counts the previews there have been
};

// Of the one job that runs. Thread-safe.
class LiveProgress {
 public:
  void begin(const std::string& id, int steps) {
    const std::lock_guard lock(mutex_);
    id_ = id;
    progress_ = {.steps = steps};
    preview_.reset();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    id_.clear();
    preview_.reset();
  }
  void set(JobProgress progress) {
    const std::lock_guard lock(mutex_);
    progress.preview = progress_.preview;
    progress_ = std::move(progress);
  }
  void set_preview(std::string png) {
    const std::lock_guard lock(mutex_);
    preview_ = std::move(png);
    ++progress_.preview;
  }

  std::optional<JobProgress> progress_of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return id == id_ ? std::optional(progress_) : std::nullopt;
  }
  std::optional<std::string> preview_of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return id == id_ ? preview_ : std::nullopt;
  }

 private:
  mutable std::mutex mutex_;
  std::string id_;
  JobProgress progress_;
  std::optional<std::string> preview_;
};

}  // namespace svd::server
