// What the store holds, counted; and what may go.
#include "job_store.h"

namespace svd::server {
namespace {

constexpr const char* kRemovable =
    "SELECT id FROM jobs WHERE state NOT IN ('queued', 'running') "
    "AND place IS NOT (SELECT max(place) FROM jobs WHERE state = 'done') "
    "AND place IS NOT (SELECT max(place) FROM jobs WHERE state NOT IN ('queued', 'running')) ";

std::vector<std::string> texts_of(Statement& statement) {
  std::vector<std::string> texts;
  while (statement.step()) texts.push_back(statement.text(0));
  return texts;
}

}  // namespace

bool JobStore::contains(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare("SELECT 1 FROM jobs WHERE id = ?");
  statement.bind(std::string_view(id));
  return statement.step();
}

StoreStatus JobStore::status() {
  std::optional<std::string> problem = "the jobs' database is busy";
  if (std::unique_lock lock(mutex_, std::chrono::milliseconds(100)); lock) {
    database_.wait_at_most(std::chrono::milliseconds(0));
    try {
      std::map<JobState, int64_t> counts;
      auto statement = database_.prepare("SELECT state, count(*) FROM jobs GROUP BY state");
      while (statement.step()) {
        if (const auto state = state_named(statement.text(0))) counts[*state] = statement.integer(1);
      }
      const uint64_t bytes = disk_bytes_locked();
      const std::lock_guard inner(status_mutex_);
      status_ = {std::move(counts), bytes, {}};
      problem.reset();
    } catch (const DatabaseError& e) {
      problem = e.what();
    }
    database_.wait_at_most(Database::kUsualWait);
  }
  const std::lock_guard inner(status_mutex_);
  StoreStatus status = status_;
  status.problem = problem;
  return status;
}

uint64_t JobStore::disk_bytes_locked() {
  return static_cast<uint64_t>(first_number(database_.prepare(
      "SELECT coalesce((SELECT sum(bytes) FROM jobs), 0) + coalesce((SELECT sum(length(bytes)) FROM pictures), 0)")));
}

uint64_t JobStore::disk_bytes() {
  const std::lock_guard lock(mutex_);
  return disk_bytes_locked();
}

int64_t JobStore::ended_count() {
  const std::lock_guard lock(mutex_);
  return first_number(database_.prepare("SELECT count(*) FROM jobs WHERE state NOT IN ('queued', 'running')"));
}

std::vector<std::string> JobStore::removable_ids() {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare(std::string(kRemovable) + "ORDER BY place");
  return texts_of(statement);
}

std::vector<std::string> JobStore::removable_before(const std::string& time) {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare(std::string(kRemovable) + "AND finished < ? ORDER BY place");
  statement.bind(std::string_view(time));
  return texts_of(statement);
}

}  // namespace svd::server
