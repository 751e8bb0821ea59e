#include "job_store.h"

#include <fmt/format.h>

#include "api_error.h"
#include "base/fail.h"
#include "job_schema.h"

namespace svd::server {
namespace {

using nlohmann::json;

constexpr const char* kColumns =
    "SELECT place, jobs.id, state, settings, type, created, started, finished, attempts, error_code, error_message, "
    "frames, jobs.bytes, saved_to FROM jobs JOIN pictures ON pictures.id = picture ";

constexpr const char* kUnreadable = "unreadable";

// One job that another version of the program has stored must not keep the others from being listed and worked on.
JobSettings settings_of(const std::string& text, std::optional<JobError>& error) {
  try {
    return parse_settings(json::parse(text), json::object(), 1).settings;
  } catch (const std::exception& e) {
    error = JobError{kUnreadable, fmt::format("This version of the program cannot read the job's settings, and shows "
                                              "others instead: {}",
                                              e.what())};
    return {};
  }
}

Job job_of(const Statement& row) {
  std::optional<JobError> error;
  if (!row.is_null(9)) error = JobError{row.text(9), row.text(10)};
  Job job{.place = row.integer(0),
          .id = row.text(1),
          .state = state_named(row.text(2)).value_or(JobState::failed),
          .settings = settings_of(row.text(3), error),
          .picture_type = row.text(4),
          .created = row.text(5),
          .started = row.text(6),
          .finished = row.text(7),
          .attempts = static_cast<int>(row.integer(8))};
  job.error = std::move(error);
  job.result = {static_cast<int>(row.integer(11)), static_cast<uint64_t>(row.integer(12)),
                json::parse(row.text(13)).get<std::vector<std::string>>()};
  return job;
}

std::vector<Job> jobs_of(Statement& statement) {
  std::vector<Job> jobs;
  while (statement.step()) jobs.push_back(job_of(statement));
  return jobs;
}

}  // namespace

JobStore::JobStore(const std::filesystem::path& path, int max_attempts, Database::Open how) : database_(path, how) {
  make_schema(how);
  recover(max_attempts);
}

void JobStore::make_schema(Database::Open how) {
  Transaction transaction(database_);
  const int64_t version = first_number(database_.prepare("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    fail(ErrorCode::unsupported,
         "the jobs' database is of schema {}, written by a newer version of this program, which knows {}; use that, or "
         "another --data folder",
         version, kSchemaVersion);
  }
  if (version == 0) {
    if (how == Database::Open::existing) fail(ErrorCode::bad_file, "the jobs' database is empty");
    database_.execute(kSchema);
    database_.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  }
  transaction.commit();
}

void JobStore::recover(int max_attempts) {
  Transaction transaction(database_);
  database_
      .prepare(
          "UPDATE jobs SET state = 'failed', finished = ?, error_code = 'interrupted', error_message = ? "
          "WHERE state = 'running' AND attempts >= ?")
      .bind(std::string_view(now_iso8601()))
      .bind(std::string_view(
          fmt::format("The server ended {} times while it worked on this job; it is not tried again.", max_attempts)))
      .bind(int64_t{max_attempts})
      .run();
  database_.execute("UPDATE jobs SET state = 'queued', started = NULL WHERE state = 'running'");
  transaction.commit();
}

void JobStore::check_room(const QueueLimits& limits, const std::string& client, int more) {
  constexpr const char* kUnfinished = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')";
  if (first_number(database_.prepare(kUnfinished)) + more > limits.in_all) {
    throw ApiError(429, "queue_full",
                   fmt::format("The queue is full: {} jobs may wait at a time. Try again later.", limits.in_all));
  }
  auto own = database_.prepare(std::string(kUnfinished) + " AND client = ?");
  own.bind(std::string_view(client));
  if (first_number(std::move(own)) + more > limits.per_client) {
    throw ApiError(429, "too_many_jobs",
                   fmt::format("A client may have {} jobs waiting at a time. Try again later.", limits.per_client));
  }
}

Job JobStore::insert(int64_t picture, const std::string& type, const JobSettings& settings, const std::string& client) {
  Job job{.id = new_job_id(), .settings = settings, .picture_type = type, .created = now_iso8601()};
  const std::string text = to_json(settings).dump();
  database_.prepare("INSERT INTO jobs (id, state, picture, settings, client, created) VALUES (?, 'queued', ?, ?, ?, ?)")
      .bind(std::string_view(job.id))
      .bind(picture)
      .bind(std::string_view(text))
      .bind(std::string_view(client))
      .bind(std::string_view(job.created))
      .run();
  job.place = database_.last_row();
  return job;
}

std::vector<Job> JobStore::create(const Picture& picture, std::span<const JobSettings> settings,
                                  const std::string& client, const QueueLimits& limits) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  check_room(limits, client, static_cast<int>(settings.size()));
  database_.prepare("INSERT INTO pictures (type, bytes) VALUES (?, ?)")
      .bind(std::string_view(picture.type))
      .bind(std::as_bytes(std::span(picture.bytes)))
      .run();
  const int64_t row = database_.last_row();
  std::vector<Job> jobs;
  for (const JobSettings& s : settings) jobs.push_back(insert(row, picture.type, s, client));
  transaction.commit();
  return jobs;
}

std::optional<Job> JobStore::repeat(const std::string& id, const JobSettings& settings, const std::string& client,
                                    const QueueLimits& limits) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  auto original =
      database_.prepare("SELECT picture, type FROM jobs JOIN pictures ON pictures.id = picture WHERE jobs.id = ?");
  original.bind(std::string_view(id));
  if (!original.step()) return std::nullopt;
  check_room(limits, client, 1);
  Job job = insert(original.integer(0), original.text(1), settings, client);
  transaction.commit();
  return job;
}

std::optional<Job> JobStore::find_locked(const std::string& id) {
  auto statement = database_.prepare(std::string(kColumns) + "WHERE jobs.id = ?");
  statement.bind(std::string_view(id));
  return statement.step() ? std::optional(job_of(statement)) : std::nullopt;
}

std::optional<Job> JobStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return find_locked(id);
}

std::optional<Picture> JobStore::picture_of(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare(
      "SELECT pictures.bytes, type FROM jobs JOIN pictures ON pictures.id = picture WHERE jobs.id = ?");
  statement.bind(std::string_view(id));
  if (!statement.step()) return std::nullopt;
  return Picture{statement.bytes(0), statement.text(1)};
}

std::optional<std::vector<Job>> JobStore::list(int limit, const std::string& before, std::optional<JobState> state) {
  const std::lock_guard lock(mutex_);
  int64_t place = INT64_MAX;
  if (!before.empty()) {
    auto statement = database_.prepare("SELECT place FROM jobs WHERE id = ?");
    statement.bind(std::string_view(before));
    if (!statement.step()) return std::nullopt;
    place = statement.integer(0);
  }
  const std::string name(state ? name_of(*state) : "");
  auto statement = database_.prepare(std::string(kColumns) +
                                     "WHERE place < ? AND (? = '' OR state = ?) ORDER BY place DESC LIMIT ?");
  statement.bind(place).bind(std::string_view(name)).bind(std::string_view(name)).bind(int64_t{limit});
  return jobs_of(statement);
}

std::vector<Job> JobStore::unfinished() {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare(std::string(kColumns) + "WHERE state IN ('queued', 'running') ORDER BY place");
  return jobs_of(statement);
}

int JobStore::queue_place(const Job& job) {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare("SELECT count(*) FROM jobs WHERE state = 'queued' AND place <= ?");
  statement.bind(job.place);
  return static_cast<int>(first_number(std::move(statement)));
}

std::optional<Job> JobStore::start_next() {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  std::optional<Job> job;
  while (!job) {
    auto next = database_.prepare("SELECT id FROM jobs WHERE state = 'queued' ORDER BY place LIMIT 1");
    if (!next.step()) break;
    const std::string id = next.text(0), now = now_iso8601();
    database_.prepare("UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1 WHERE id = ?")
        .bind(std::string_view(now))
        .bind(std::string_view(id))
        .run();
    job = find_locked(id);
    if (!job->error) continue;
    finish_locked(id, JobState::failed, job->error, {});  // what it was to be is not known
    job.reset();
  }
  transaction.commit();
  return job;
}

bool JobStore::finish(const std::string& id, JobState state, const std::optional<JobError>& error,
                      const JobResult& result) {
  const std::lock_guard lock(mutex_);
  return finish_locked(id, state, error, result);
}

bool JobStore::finish_locked(const std::string& id, JobState state, const std::optional<JobError>& error,
                             const JobResult& result) {
  const std::string now = now_iso8601(), saved = json(result.saved_to).dump();
  const auto code = error ? std::optional(error->code) : std::nullopt;
  const auto message = error ? std::optional(error->message) : std::nullopt;
  database_
      .prepare(
          "UPDATE jobs SET state = ?, finished = ?, error_code = ?, error_message = ?, frames = ?, bytes = ?, "
          "saved_to = ? WHERE id = ? AND state = 'running'")
      .bind(name_of(state))
      .bind(std::string_view(now))
      .bind(code)
      .bind(message)
      .bind(int64_t{result.frames})
      .bind(static_cast<int64_t>(result.bytes))
      .bind(std::string_view(saved))
      .bind(std::string_view(id))
      .run();
  return database_.changes() == 1;
}

void JobStore::requeue(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_
      .prepare(
          "UPDATE jobs SET state = 'queued', started = NULL, attempts = attempts - 1 "
          "WHERE id = ? AND state = 'running'")
      .bind(std::string_view(id))
      .run();
}

bool JobStore::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const std::string now = now_iso8601();
  database_.prepare("UPDATE jobs SET state = 'cancelled', finished = ? WHERE id = ? AND state IN ('queued', 'running')")
      .bind(std::string_view(now))
      .bind(std::string_view(id))
      .run();
  return database_.changes() == 1;
}

bool JobStore::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto statement = database_.prepare("DELETE FROM jobs WHERE id = ?");
  statement.bind(std::string_view(id)).run();
  return database_.changes() > 0;
}

}  // namespace svd::server
