#include "metrics.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>

namespace svd::server {
namespace {

class Text {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  template <typename T>
  void value(std::string_view name, T value) {
    fmt::format_to(std::back_inserter(text_), "{} {}\n", name, value);
  }
  template <typename T>
  void single(std::string_view name, std::string_view type, std::string_view help, T v) {
    head(name, type, help);
    value(name, v);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string Metrics::as_text(const Gauges& g) const {
  Text t;
  t.head("svd_jobs", "gauge", "Jobs that wait or run.");
  t.value("svd_jobs{state=\"queued\"}", g.jobs_queued);
  t.value("svd_jobs{state=\"running\"}", g.jobs_running);
  t.single("svd_jobs_accepted_total", "counter", "Jobs accepted since the start.", accepted_.load());
  t.head("svd_jobs_ended_total", "counter", "Jobs that came to an end since the start.");
  {
    const std::lock_guard lock(mutex_);
    t.value("svd_jobs_ended_total{state=\"done\"}", done_);
    t.value("svd_jobs_ended_total{state=\"failed\"}", failed_.load());
    t.value("svd_jobs_ended_total{state=\"cancelled\"}", cancelled_.load());
    t.head("svd_job_seconds", "summary", "Time that finished jobs took, waiting not counted.");
    t.value("svd_job_seconds_sum", seconds_);
    t.value("svd_job_seconds_count", done_);
  }
  t.head("svd_http_requests_total", "counter", "Requests answered, by class of status.");
  for (size_t digit = 1; digit < requests_.size(); ++digit) {
    t.value(fmt::format("svd_http_requests_total{{status=\"{}xx\"}}", digit), requests_[digit].load());
  }
  t.single("svd_http_connections", "gauge", "Open connections.", g.connections);
  t.single("svd_http_connections_refused_total", "counter", "Connections refused because there were too many.",
           refused_.load());
  t.single("svd_event_listeners", "gauge", "Open event streams.", g.listeners);
  t.single("svd_model_ready", "gauge", "1 when a model is in memory.", g.model_ready ? 1 : 0);
  t.single("svd_model_memory_bytes", "gauge", "Memory that the model takes.", g.model_bytes);
  t.single("svd_disk_bytes", "gauge", "Disk space of the pictures and files of all jobs.", g.disk_bytes);
  t.single("svd_disk_free_bytes", "gauge", "Free space on the disk of the jobs.", g.disk_free_bytes);
  t.single("svd_disk_min_free_bytes", "gauge", "Free space below which jobs wait.", g.disk_reserve_bytes);
  t.single("svd_database_up", "gauge", "1 when the jobs' database answers.", g.database_answers ? 1 : 0);
  t.single("svd_worker_waits", "gauge", "1 when jobs wait for disk or database.", g.worker_waits ? 1 : 0);
  t.single("process_resident_memory_bytes", "gauge", "Resident memory of the process.", g.resident_bytes);
  return t.take();
}

}  // namespace svd::server
