// Counters for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

namespace svd::server {

// What is read off at the moment of asking.
struct Gauges {
  int64_t jobs_queued = 0, jobs_running = 0;
  uint64_t disk_bytes = 0, disk_free_bytes = 0, disk_reserve_bytes = 0, model_bytes = 0, resident_bytes = 0;
  size_t connections = 0, listeners = 0;
  bool database_answers = true, worker_waits = false, model_ready = false;
};

// Thread-safe.
class Metrics {
 public:
  void job_finished(double seconds) {
    const std::lock_guard lock(mutex_);
    ++done_;
    seconds_ += seconds;
  }
  void job_failed() { ++failed_; }
  void job_cancelled() { ++cancelled_; }
  void jobs_accepted(uint64_t count) { accepted_ += count; }
  void request(int status) {
    if (status >= 100 && status < 600) ++requests_[static_cast<size_t>(status / 100)];
  }
  void connection_refused() { ++refused_; }

  // In Prometheus' text format.
  std::string as_text(const Gauges& gauges) const;

 private:
  std::atomic<uint64_t> failed_ = 0, cancelled_ = 0, accepted_ = 0, refused_ = 0;
  std::array<std::atomic<uint64_t>, 6> requests_{};  // by the first digit of the status

  mutable std::mutex mutex_;
  uint64_t done_ = 0;
  double seconds_ = 0;
};

}  // namespace svd::server
