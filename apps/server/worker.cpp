#include "worker.h"

#include <exception>
#include <utility>

#include "svd/error.h"

namespace svd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenTries = std::chrono::milliseconds(1000);  // while disk or database are in trouble

}  // namespace

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Worker::wake() {
  {
    const std::lock_guard lock(mutex_);
    wake_ = true;
  }
  woken_.notify_all();
}

void Worker::abandon(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (running_ == id) abandoned_ = true;
}

void Worker::load_model(Version version) {
  {
    const std::lock_guard lock(mutex_);
    model_request_ = ModelRequest{version};
  }
  wake();
}

void Worker::unload_model() {
  {
    const std::lock_guard lock(mutex_);
    model_request_ = ModelRequest{};
    if (running_.empty()) abandoned_ = true;
  }
  wake();
}

std::optional<JobError> Worker::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Worker::set_trouble(std::optional<JobError> trouble) {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = (trouble ? trouble->code : "") != (trouble_ ? trouble_->code : "");
    trouble_ = trouble;
  }
  if (!news) return;  // one line in the log, not one a second
  if (trouble) {
    s_.log.error("the worker waits", {{"reason", trouble->code}, {"error", trouble->message}});
  } else {
    s_.log.info("the worker goes on");
  }
}

void Worker::pause() {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, kBetweenTries, [&] { return stopping_.load(); });
}

void Worker::run() {
  while (!stopping_) {
    try {
      if (work_once()) continue;
    } catch (const std::exception& e) {  // the database, say. What is to be stored is remembered, and tried again
      set_trouble(JobError{"database", e.what()});
      pause();
      continue;
    }
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [&] { return stopping_ || wake_; });
    wake_ = false;
  }
}

bool Worker::work_once() {
  if (ending_) {
    settle();
    return true;
  }
  if (const auto request = take_request()) {
    carry_out(*request);
    return true;
  }
  if (!has_room()) {
    pause();
    return true;
  }
  const auto job = start_next();
  set_trouble({});
  if (!job) return false;
  s_.live.begin(job->id, job->settings.num_steps());
  ending_ = work_on(*job);
  settle();
  return true;
}

bool Worker::has_room() {
  if (s_.disk.has_room()) return true;
  set_trouble(JobError{"disk_full", s_.disk.explain()});
  return false;
}

std::optional<Worker::ModelRequest> Worker::take_request() {
  const std::lock_guard lock(mutex_);
  auto request = std::exchange(model_request_, std::nullopt);
  if (request) abandoned_ = false;
  return request;
}

std::optional<Job> Worker::start_next() {
  // Under the lock: a job that is cancelled from here on is known to be the running one.
  const std::lock_guard lock(mutex_);
  abandoned_ = false;
  auto job = s_.store.start_next();
  if (job) running_ = job->id;
  return job;
}

void Worker::carry_out(const ModelRequest& request) {
  if (!request.version) {
    s_.model.unload();
    return;
  }
  try {
    s_.model.require(*request.version, [&] { return may_go_on(); });
  } catch (const Error& e) {  // the model's state says so
    s_.log.warning("the model was not loaded", {{"error", e.what()}});
  }
}

Worker::Ending Worker::work_on(const Job& job) {
  using Kind = Ending::Kind;
  s_.log.info("job started",
              {{"job", job.id}, {"attempt", job.attempts}, {"version", defaults_of(job.settings.version).name}});
  const auto begin = Clock::now();
  Ending ending{.kind = Kind::done, .id = job.id};
  try {
    s_.view.publish(job.id);
    s_.view.publish_queue();
    ending.result = make_video(job);
    ending.error = save_copies(job, ending.result);
  } catch (const DatabaseError& e) {  // nothing is wrong with the job
    set_trouble(JobError{"database", e.what()});
    ending.kind = Kind::requeued;
  } catch (const Error& e) {
    ending.error = JobError{code_of(e.code()), e.what()};
    ending.kind = e.code() == ErrorCode::cancelled ? Kind::cancelled : Kind::failed;
  } catch (const std::exception& e) {
    ending.error = JobError{"internal", e.what()};
    ending.kind = Kind::failed;
  }
  if (ending.kind == Kind::cancelled && stopping_ && !abandoned_) ending.kind = Kind::requeued;
  ending.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return ending;
}

void Worker::settle() {
  record(*ending_);
  const std::string id = ending_->id;
  ending_.reset();
  set_trouble({});
  {
    const std::lock_guard lock(mutex_);
    running_.clear();
    abandoned_ = false;
  }
  s_.copies.settle(id);
  s_.live.end();
  s_.view.publish(id);
  s_.model.refresh();
  s_.retention.enforce();
}

void Worker::record(const Ending& ending) {
  using Kind = Ending::Kind;
  const std::string& id = ending.id;
  bool was_running = true;
  switch (ending.kind) {
    case Kind::done: was_running = s_.store.finish(id, JobState::done, ending.error, ending.result); break;
    case Kind::failed: was_running = s_.store.finish(id, JobState::failed, ending.error, {}); break;
    case Kind::cancelled: s_.store.cancel(id); break;  // whoever asked for it has done so already
    case Kind::requeued: s_.store.requeue(id); break;
  }
  if (ending.kind == Kind::requeued) {
    s_.log.info("job goes back into the queue", {{"job", id}});
  } else if (ending.kind == Kind::cancelled || !was_running) {
    // Cancelled or deleted, perhaps as it ended: then its files have just been written.
    s_.files.begin_removal(id);
    s_.files.end_removal(id);
    s_.log.info("job cancelled", {{"job", id}});
    s_.metrics.job_cancelled();
  } else if (ending.kind == Kind::done) {
    s_.metrics.job_finished(ending.seconds);
    s_.log.info("job done", {{"job", id}, {"seconds", ending.seconds}});
  } else {
    s_.log.error("job failed", {{"job", id}, {"error", ending.error->message}});
    s_.metrics.job_failed();
  }
}

}  // namespace svd::server
