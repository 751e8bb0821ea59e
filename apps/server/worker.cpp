#include "worker.h"

#include <exception>
#include <span>
#include <utility>

#include "api_error.h"
#include "progress_clock.h"
#include "svd/error.h"
#include "svd/image.h"

namespace svd::server {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenPreviews = std::chrono::milliseconds(1000);
constexpr auto kBetweenTries = std::chrono::milliseconds(1000);  // while disk or database are in trouble
constexpr int kTriesToWrite = 3;                                 // although the disk has room

std::string png_of(const Image& image) {
  const auto bytes = encode_png(image);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

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
    wish_ = ModelWish{version};
  }
  wake();
}

void Worker::unload_model() {
  {
    const std::lock_guard lock(mutex_);
    wish_ = ModelWish{};
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
  if (const auto wish = take_wish()) {
    fulfil(*wish);
    return true;
  }
  if (!has_room()) {
    pause();
    return true;
  }
  const auto job = start_next();
  set_trouble({});
  if (!job) return false;
  s_.live.begin(job->id, job->settings.num_steps);
  ending_ = work_on(*job);
  settle();
  return true;
}

bool Worker::has_room() {
  if (s_.disk.has_room()) return true;
  set_trouble(JobError{"disk_full", s_.disk.explain()});
  return false;
}

std::optional<Worker::ModelWish> Worker::take_wish() {
  const std::lock_guard lock(mutex_);
  auto wish = std::exchange(wish_, std::nullopt);
  if (wish) abandoned_ = false;
  return wish;
}

std::optional<Job> Worker::start_next() {
  // Under the lock: a job that is cancelled from here on is known to be the running one.
  const std::lock_guard lock(mutex_);
  abandoned_ = false;
  auto job = s_.store.start_next();
  if (job) running_ = job->id;
  return job;
}

void Worker::fulfil(const ModelWish& wish) {
  if (!wish.version) {
    s_.model.unload();
    return;
  }
  try {
    s_.model.require(*wish.version, [&] { return may_go_on(); });
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

JobResult Worker::make_video(const Job& job) {
  // Written by an attempt that the store did not hear of: the same job gives the same video.
  if (auto result = s_.files.find_result(job.id, job.settings.num_frames)) return *result;
  return write_files(job, generate(job));
}

Video Worker::generate(const Job& job) {
  const auto picture = s_.store.picture_of(job.id);
  if (!picture) throw Error(ErrorCode::cancelled, "the job was deleted");
  Model& model = s_.model.require(job.settings.version, [&] { return may_go_on(); });

  Request request = to_request(job.settings);
  request.image = cover_crop(decode_image(std::as_bytes(std::span(picture->bytes)), "picture"), job.settings.width,
                             job.settings.height);
  auto previewed = Clock::time_point();
  request.on_step = [&](const StepView& view) {
    if (Clock::now() - previewed < kBetweenPreviews && view.step != view.steps) return;
    previewed = Clock::now();
    s_.live.set_preview(png_of(grid_of(view.preview())));
    publish_if_possible(job.id);
  };
  Random random(job.settings.seed);
  ProgressClock clock;
  return model.generate(request, random, [&](const Progress& p) {
    if (const auto progress = clock.tick(p, job.settings.num_steps)) {
      s_.live.set(*progress);
      publish_if_possible(job.id);
    }
    return may_go_on();
  });
}

// An hour of work is not thrown away for a database that is busy just now.
void Worker::publish_if_possible(const std::string& id) {
  try {
    s_.view.publish(id);
  } catch (const DatabaseError& e) {
    s_.log.warning("progress was not announced", {{"job", id}, {"error", e.what()}});
  }
}

// The video stays in memory until there is room for it.
JobResult Worker::write_files(const Job& job, const Video& video) {
  const uint64_t raw_bytes = uint64_t{3} * video.frames.size() * static_cast<uint64_t>(job.settings.width) *
                             static_cast<uint64_t>(job.settings.height);
  for (int tries = 1;; ++tries) {
    try {
      const uint64_t bytes = s_.files.write(job.id, video.frames, job.settings.video_fps.value_or(job.settings.fps));
      set_trouble({});
      return {.frames = static_cast<int>(video.frames.size()), .bytes = bytes};
    } catch (const Error& e) {
      const bool disk_is_well = s_.files.can_hold(job.id, raw_bytes);
      if (e.code() != ErrorCode::bad_file || (disk_is_well && tries >= kTriesToWrite)) throw;
      set_trouble(JobError{"disk_full", e.what()});
      pause();
      if (!may_go_on()) throw Error(ErrorCode::cancelled, "stopped while the disk was full");
    }
  }
}

// The video is there all the same when they cannot be saved.
std::optional<JobError> Worker::save_copies(const Job& job, JobResult& result) {
  if (!job.settings.save_path) return std::nullopt;
  try {
    result.saved_to = s_.copies.save(job.id, *job.settings.save_path, s_.files.find(job.id, "video.mp4").value(),
                                     s_.files.find(job.id, "grid.png").value());
    return std::nullopt;
  } catch (const std::bad_optional_access&) {
    throw Error(ErrorCode::cancelled, "the job was deleted as it ended");
  } catch (const std::exception& e) {
    return JobError{"not_saved", e.what()};
  }
}

}  // namespace svd::server
