// The jobs on disk: what was accepted is never forgotten.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "database.h"
#include "job.h"

namespace svd::server {

struct QueueLimits {
  int in_all, per_client;  // jobs that are queued or running
};

// What is known of the store without waiting for it.
struct StoreStatus {
  std::map<JobState, int64_t> counts;
  uint64_t disk_bytes = 0;             // of all jobs' pictures and files
  std::optional<std::string> problem;  // why the database did not answer now; then the rest is of an earlier moment
};

struct Picture {
  std::string bytes;
  std::string type;  // "png", "jpg", "webp"
};

// Thread-safe: one call at a time has the database. Every change is on the disk when its call returns.
// Throws Error(bad_file) when the database fails.
class JobStore {
 public:
  // Opens the database or makes it. Jobs that were running when the program died are queued again, or have failed when
  // that happened `max_attempts` times: such a job takes the program with it.
  // A new database is only made if `how` allows it.
  JobStore(const std::filesystem::path& path, int max_attempts, Database::Open how = Database::Open::existing_or_new);

  // All of them or none. Throws ApiError 429 "queue_full" or "too_many_jobs".
  std::vector<Job> create(const Picture& picture, std::span<const JobSettings> settings, const std::string& client,
                          const QueueLimits& limits);
  // With the same picture and those settings; none when there is no such job any more.
  std::optional<Job> repeat(const std::string& id, const JobSettings& settings, const std::string& client,
                            const QueueLimits& limits);

  std::optional<Job> find(const std::string& id);
  std::optional<Picture> picture_of(const std::string& id);
  // Newest first, at most `limit`, those before the job `before` if it is given. None when that job is not there.
  std::optional<std::vector<Job>> list(int limit, const std::string& before, std::optional<JobState> state);
  std::vector<Job> unfinished();           // oldest first
  int queue_place(const Job& queued_job);  // 1: the next

  // The oldest queued job, now running; those whose settings cannot be read have failed.
  std::optional<Job> start_next();
  // Of a running job; false when it is not running any more because it was cancelled or deleted.
  bool finish(const std::string& id, JobState state, const std::optional<JobError>& error, const JobResult& result);
  void requeue(const std::string& id);  // the server was stopped: this attempt does not count
  bool cancel(const std::string& id);   // false when it had already come to an end, or is not there
  bool remove(const std::string& id);

  bool contains(const std::string& id);
  StoreStatus status();   // at once, even while another program has the database
  uint64_t disk_bytes();  // of all jobs' pictures and files
  int64_t ended_count();
  // That came to an end, oldest first by the order of acceptance, which no clock changes; the newest one and the
  // newest video are not among them.
  std::vector<std::string> removable_ids();
  std::vector<std::string> removable_before(const std::string& time);  // of these, those that ended before

 private:
  void make_schema(Database::Open how);
  void recover(int max_attempts);
  uint64_t disk_bytes_locked();
  void check_room(const QueueLimits& limits, const std::string& client, int more);
  Job insert(int64_t picture, const std::string& type, const JobSettings& settings, const std::string& client);
  std::optional<Job> find_locked(const std::string& id);
  bool finish_locked(const std::string& id, JobState state, const std::optional<JobError>& error,
                     const JobResult& result);

  std::timed_mutex mutex_;
  Database database_;
  std::mutex status_mutex_;
  StoreStatus status_;
};

}  // namespace svd::server
