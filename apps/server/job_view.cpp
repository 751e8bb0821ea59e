#include "job_view.h"

#include "job_files.h"

namespace svd::server {
namespace {

using nlohmann::json;

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json time_or_null(const std::string& time) { return time.empty() ? json(nullptr) : json(time); }

json files_of(const Job& job) {
  const std::string base = "/api/v1/jobs/" + job.id + "/files/";
  json files = {{"input", base + "input." + job.picture_type}};
  if (job.state != JobState::done) return files;
  files["video"] = base + "video.mp4";
  files["grid"] = base + "grid.png";
  files["frames_tar"] = base + "frames.tar";
  files["frames"] = json::array();
  for (int i = 0; i < job.result.frames; ++i) files["frames"].push_back(base + "frames/" + JobFiles::frame_name(i));
  return files;
}

json progress_json(const JobProgress& p) {
  return {{"phase", p.phase},
          {"fraction", p.fraction},
          {"step", p.step},
          {"steps", p.steps},
          {"seconds_per_step", or_null(p.seconds_per_step)},
          {"seconds_left", or_null(p.seconds_left)},
          {"preview", p.preview}};
}

}  // namespace

json JobView::of(const Job& job) const {
  JobProgress progress{.steps = job.settings.num_steps()};
  if (const auto live = live_.progress_of(job.id)) progress = *live;
  if (job.state == JobState::done) progress = {"decoding", 1, progress.steps, progress.steps, {}, 0.0, 0};
  return {{"id", job.id},
          {"state", name_of(job.state)},
          {"created", job.created},
          {"started", time_or_null(job.started)},
          {"finished", time_or_null(job.finished)},
          {"queue_place", job.state == JobState::queued ? json(store_.queue_place(job)) : json(nullptr)},
          {"settings", to_json(job.settings)},
          {"seed", job.settings.seed},
          {"progress", progress_json(progress)},
          {"error", job.error ? json{{"code", job.error->code}, {"message", job.error->message}} : json(nullptr)},
          {"files", files_of(job)},
          {"bytes", job.result.bytes},
          {"saved_to", job.result.saved_to}};
}

Event JobView::event_of(const Job& job) const { return {"job", "job:" + job.id, of(job).dump()}; }

void JobView::publish(const std::string& id) const {
  if (const auto job = store_.find(id)) events_.publish(event_of(*job));
}

void JobView::publish_queue() const {
  for (const Job& job : store_.unfinished()) {
    if (job.state == JobState::queued) events_.publish(event_of(job));
  }
}

void JobView::publish_removal(const std::string& id) const {
  events_.publish({"deleted", "job:" + id, json{{"id", id}}.dump()});
}

}  // namespace svd::server
