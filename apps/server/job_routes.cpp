// Jobs: create, list, get, cancel, repeat, delete.
#include <algorithm>
#include <charconv>

#include "api.h"
#include "job_removal.h"
#include "multipart.h"
#include "reply.h"

namespace svd::server {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr const char* kJob = R"(/api/v1/jobs/([0-9a-f]{32}))";

Job job_of(const Api& api, const Request& request) {
  const auto job = api.store.find(request.matches[1]);
  if (!job) throw ApiError(404, "not_found", "There is no such job.");
  return *job;
}

json list_of(const Api& api, const std::vector<Job>& jobs) {
  json list = json::array();
  for (const Job& job : jobs) list.push_back(api.view.of(job));
  return list;
}

void check_checkpoint(const Api& api, Version version) {
  try {
    api.options.find_checkpoint(version);
  } catch (const Error& e) {
    throw ApiError(409, "no_checkpoint", e.what(), "version");
  }
}

QueueLimits limits_of(const Api& api) { return {api.options.max_queued, api.options.max_queued_per_client}; }

void check_rate(const Api& api, const std::string& client) {
  if (!api.uploads.allow(client)) {
    throw ApiError(429, "too_many_requests", "Too many jobs in a short time. Try again in a minute.");
  }
}

void check_disk(const Api& api) {
  if (!api.disk.has_room()) throw ApiError(507, "disk_full", api.disk.explain());
}

void announce(const Api& api, const std::vector<Job>& jobs) {
  api.metrics.jobs_accepted(jobs.size());
  for (const Job& job : jobs) {
    api.log.info("job accepted", {{"job", job.id}});
    api.view.publish(job.id);
  }
  api.worker.wake();
}

void create(const Api& api, const Request& request, Response& response, const httplib::ContentReader& reader) {
  if (!request.has_header(kMultipartHeader)) {
    throw ApiError(415, "bad_request", "Expected multipart/form-data with the parts image and settings.");
  }
  const std::string body = api.intake.read_body(request, api.access.client_of(request), reader);
  const auto parts = parse_multipart(request.get_header_value(kMultipartHeader), body);
  const auto image = part_named(parts, "image");
  if (!image) throw ApiError(400, "bad_request", "The form has no part named image.", "image");
  const auto settings = part_named(parts, "settings");
  const json values = settings ? parse_json(*settings, "settings") : json::object();
  const auto jobs = accept_jobs(api, request, *image, parse_settings(values, api.defaults, api.options.max_samples));
  response.set_header("Location", "/api/v1/jobs/" + jobs.front().id);
  send_json(response, 201, {{"jobs", list_of(api, jobs)}});
}

void list(const Api& api, const Request& request, Response& response) {
  int limit = 20;
  if (request.has_param("limit")) {
    const std::string text = request.get_param_value("limit");
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (error != std::errc() || rest != text.data() + text.size() || limit < 1 || limit > 100) {
      throw ApiError(400, "bad_request", "limit: expected a whole number from 1 to 100", "limit");
    }
  }
  const std::string name = request.get_param_value("state"), before = request.get_param_value("before");
  const auto state = state_named(name);
  if (!name.empty() && !state) {
    throw ApiError(400, "bad_request", "state: expected queued, running, done, failed or cancelled", "state");
  }
  auto jobs = api.store.list(limit + 1, before, state);  // one more tells whether there are more
  if (!jobs) throw ApiError(400, "bad_request", "before: there is no such job", "before");
  json next = nullptr;
  if (jobs->size() > static_cast<size_t>(limit)) {
    jobs->pop_back();
    next = jobs->back().id;
  }
  send_json(response, 200, {{"jobs", list_of(api, *jobs)}, {"next", next}});
}

void cancel(const Api& api, const Request& request, Response& response) {
  const std::string id = job_of(api, request).id;
  if (api.store.cancel(id)) {
    api.worker.abandon(id);
    api.view.publish(id);
    api.view.publish_queue();
  }
  send_json(response, 200, api.view.of(job_of(api, request)));
}

void settle_save_path(const Api& api, JobSettings& settings) {
  if (!settings.save_path) return;
  if (settings.save_path->empty()) settings.save_path = api.copies.default_path(defaults_of(settings.version).name);
  api.copies.check(*settings.save_path);
}

void repeat(const Api& api, const Request& request, Response& response) {
  const Job original = job_of(api, request);
  if (original.error && original.error->code == "unreadable")
    throw ApiError(409, "unreadable", original.error->message);
  json settings = to_json(original.settings);
  if (!request.body.empty()) {
    const json changes = parse_json(request.body, "body");
    if (!changes.is_object()) throw ApiError(400, "bad_request", "Expected an object of settings to change.");
    settings.update(changes);
  }
  JobSettings changed = parse_settings(settings, json::object(), 1).settings;
  check_checkpoint(api, changed.version);
  settle_save_path(api, changed);
  check_disk(api);
  const std::string client = api.access.client_of(request);
  check_rate(api, client);
  const auto job = api.store.repeat(original.id, changed, client, limits_of(api));
  if (!job) throw ApiError(404, "not_found", "There is no such job.");
  announce(api, {*job});
  response.set_header("Location", "/api/v1/jobs/" + job->id);
  send_json(response, 201, {{"jobs", list_of(api, {*job})}});
}

void remove(const Api& api, const Request& request, Response& response) {
  const std::string id = job_of(api, request).id;
  remove_job(api.store, api.files, id);
  api.worker.abandon(id);  // after that: what is not in the store is not kept any more
  api.view.publish_removal(id);
  api.view.publish_queue();
  response.status = 204;
}

}  // namespace

std::vector<Job> accept_jobs(const Api& api, const Request& request, std::string_view image, SettingsRequest wanted) {
  const std::string client = api.access.client_of(request);
  check_checkpoint(api, wanted.settings.version);
  settle_save_path(api, wanted.settings);
  check_disk(api);
  check_rate(api, client);
  const Picture picture = api.intake.check(image);
  std::vector<JobSettings> each(static_cast<size_t>(wanted.num_samples), wanted.settings);
  for (size_t i = 0; i < each.size(); ++i) each[i].seed += static_cast<uint32_t>(i);
  std::vector<Job> jobs = api.store.create(picture, each, client, limits_of(api));
  announce(api, jobs);
  return jobs;
}

void add_job_routes(HttpServer& server, const Api& api) {
  const auto route = [&](auto handler) {
    return [api, handler](const Request& request, Response& response) { handler(api, request, response); };
  };
  server.Post("/api/v1/jobs", [api](const Request& request, Response& response, const httplib::ContentReader& reader) {
    create(api, request, response, reader);
  });
  server.Get("/api/v1/jobs", route(list));
  server.Get(kJob, [api](const Request& request, Response& response) {
    send_json(response, 200, api.view.of(job_of(api, request)));
  });
  server.Post(std::string(kJob) + "/cancel", route(cancel));
  server.Post(std::string(kJob) + "/repeat", route(repeat));
  server.Delete(kJob, route(remove));
}

}  // namespace svd::server
