#include "worker.h"

#include <exception>
#include <span>
#include <utility>

#include "progress_clock.h"
#include "svd/error.h"
#include "svd/image.h"

namespace svd::server {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenPreviews = std::chrono::milliseconds(1000);

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

void Worker::run() {
  while (!stopping_) {
    try {
      if (work_once()) continue;
    } catch (const std::exception& e) {  // the database, say: a full disk. Waiting is all that can be done
      s_.log.error("the worker failed", {{"error", e.what()}});
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::seconds(5), [&] { return stopping_.load(); });
      continue;
    }
    std::unique_lock lock(mutex_);
    woken_.wait(lock, [&] { return stopping_ || wake_; });
    wake_ = false;
  }
}

bool Worker::work_once() {
  std::optional<ModelWish> wish;
  {
    const std::lock_guard lock(mutex_);
    wish = std::exchange(wish_, std::nullopt);
    if (wish) abandoned_ = false;
  }
  if (wish) {
    fulfil(*wish);
    return true;
  }
  std::optional<Job> job;
  {
    // Under the lock: a job that is cancelled from here on is known to be the running one.
    const std::lock_guard lock(mutex_);
    abandoned_ = false;
    job = s_.store.start_next();
    if (job) running_ = job->id;
  }
  if (!job) return false;
  s_.live.begin(job->id, job->settings.num_steps());
  work_on(*job);
  {
    const std::lock_guard lock(mutex_);
    running_.clear();
  }
  s_.live.end();
  s_.view.publish(job->id);
  s_.model.refresh();
  s_.retention.enforce();
  return true;
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

void Worker::work_on(const Job& job) {
  s_.log.info("job started",
              {{"job", job.id}, {"attempt", job.attempts}, {"version", defaults_of(job.settings.version).name}});
  s_.view.publish(job.id);
  s_.view.publish_queue();
  const auto begin = Clock::now();
  std::optional<JobError> error;
  try {
    make_video(job);
  } catch (const Error& e) {
    error = JobError{code_of(e.code()), e.what()};
  } catch (const std::exception& e) {
    error = JobError{"internal", e.what()};
  }
  if (!error) {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    s_.metrics.job_finished(seconds);
    s_.log.info("job done", {{"job", job.id}, {"seconds", seconds}});
  } else if (stopping_ && !abandoned_) {
    s_.store.requeue(job.id);
    s_.log.info("job goes back into the queue", {{"job", job.id}});
  } else if (error->code == "cancelled") {
    s_.store.cancel(job.id);  // whoever asked for it has done so already
    s_.log.info("job cancelled", {{"job", job.id}});
    s_.metrics.job_cancelled();
  } else {
    s_.store.finish(job.id, JobState::failed, error, {});
    s_.log.error("job failed", {{"job", job.id}, {"error", error->message}});
    s_.metrics.job_failed();
  }
}

void Worker::make_video(const Job& job) {
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
    s_.view.publish(job.id);
  };
  Random random(job.settings.seed);
  ProgressClock clock;
  const Video video = model.generate(request, random, [&](const Progress& p) {
    if (const auto progress = clock.tick(p, job.settings.num_steps())) {
      s_.live.set(*progress);
      s_.view.publish(job.id);
    }
    return may_go_on();
  });

  JobResult result{.frames = static_cast<int>(video.frames.size())};
  result.bytes = s_.files.write(job.id, video.frames, job.settings.video_fps.value_or(job.settings.fps()));
  std::optional<JobError> not_saved;  // the video is there all the same
  if (job.settings.save_path) {
    try {
      result.saved_to = s_.copies.save(*job.settings.save_path, *s_.files.find(job.id, "video.mp4"),
                                       *s_.files.find(job.id, "grid.png"));
    } catch (const std::exception& e) {
      not_saved = JobError{"not_saved", e.what()};
    }
  }
  if (!s_.store.finish(job.id, JobState::done, not_saved, result)) {
    s_.files.remove(job.id);
    throw Error(ErrorCode::cancelled, "the job was cancelled as it ended");
  }
}

}  // namespace svd::server
