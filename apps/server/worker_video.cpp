// The part of the worker that makes a job's video and writes it.
#include <optional>
#include <span>

#include "progress_clock.h"
#include "svd/error.h"
#include "svd/image.h"
#include "worker.h"

namespace svd::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenPreviews = std::chrono::milliseconds(1000);
constexpr int kTriesToWrite = 3;  // although the disk has room

std::string png_of(const Image& image) {
  const auto bytes = encode_png(image);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

JobResult Worker::make_video(const Job& job) {
  // Written by an attempt that the store did not hear of: the same job gives the same video.
  if (auto result = s_.files.find_result(job.id, job.settings.num_frames())) return *result;
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
    if (const auto progress = clock.tick(p, job.settings.num_steps())) {
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
      const uint64_t bytes = s_.files.write(job.id, video.frames, job.settings.video_fps.value_or(job.settings.fps()));
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
