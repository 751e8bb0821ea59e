// A job: one video from one picture.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "settings.h"

namespace svd::server {

enum class JobState { queued, running, done, failed, cancelled };
std::string_view name_of(JobState state);
std::optional<JobState> state_named(std::string_view name);
inline bool is_final(JobState state) { return state != JobState::queued && state != JobState::running; }

struct JobError {
  std::string code, message;
};

// What a finished job has made.
struct JobResult {
  int frames = 0;
  uint64_t bytes = 0;                      // of all files
  std::vector<std::string> saved_to = {};  // copies outside of the server's folder
};

struct Job {
  int64_t place = 0;  // in the order of acceptance
  std::string id = {};
  JobState state = JobState::queued;
  JobSettings settings = {};
  std::string picture_type = {};                          // "png", "jpg", "webp"
  std::string created = {}, started = {}, finished = {};  // ISO 8601 in UTC; empty: not yet
  int attempts = 0;
  std::optional<JobError> error = {};
  JobResult result = {};
};

// 32 hexadecimal digits from the system's random numbers: nobody guesses the id of somebody else's job.
std::string new_job_id();
bool is_job_id(std::string_view text);

// "2024-05-01T12:34:56.789Z"
std::string iso8601_of(std::chrono::system_clock::time_point time);
inline std::string now_iso8601() { return iso8601_of(std::chrono::system_clock::now()); }

}  // namespace svd::server
