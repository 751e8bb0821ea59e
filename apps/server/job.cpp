#include "job.h"

#include <fmt/chrono.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/fail.h"

namespace svd::server {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 5> kNames = {{{JobState::queued, "queued"},
                                                                          {JobState::running, "running"},
                                                                          {JobState::done, "done"},
                                                                          {JobState::failed, "failed"},
                                                                          {JobState::cancelled, "cancelled"}}};
constexpr size_t kIdBytes = 16;

}  // namespace

std::string_view name_of(JobState state) {
  return std::ranges::find(kNames, state, &std::pair<JobState, std::string_view>::first)->second;
}

std::optional<JobState> state_named(std::string_view name) {
  const auto it = std::ranges::find(kNames, name, &std::pair<JobState, std::string_view>::second);
  return it == kNames.end() ? std::nullopt : std::optional(it->first);
}

std::string new_job_id() {
  std::array<unsigned char, kIdBytes> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    fail(ErrorCode::internal, "no random numbers from the system: {}", std::strerror(errno));
  }
  std::string id;
  for (const unsigned char byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

bool is_job_id(std::string_view text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == 2 * kIdBytes && std::ranges::all_of(text, is_digit);
}

std::string iso8601_of(std::chrono::system_clock::time_point time) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                     (now - seconds).count());
}

}  // namespace svd::server
