// What the page needs to know first, and what machines ask: health, metrics, how the API works.
#include "api.h"
#include "base/process_memory.h"
#include "method_settings.h"
#include "reply.h"
#include "settings_schema.h"
#include "web_files.h"

namespace svd::server {
namespace {

using nlohmann::json;

json versions(const ServerOptions& options) {
  json list = json::array();
  for (const Version version : all_versions()) {
    const VersionDefaults& v = defaults_of(version);
    json entry = {{"name", v.name},
                  {"num_frames", v.num_frames},
                  {"num_steps", v.num_steps},
                  {"min_guidance", v.min_guidance},
                  {"max_guidance", v.max_guidance},
                  {"temporal_decoder", v.temporal_decoder},
                  {"width", v.width},
                  {"height", v.height},
                  {"own_size_only", v.own_size_only},
                  {"available", true},
                  {"problem", nullptr}};
    try {
      entry["checkpoint"] = options.find_checkpoint(version).filename().string();
    } catch (const Error& e) {
      entry["checkpoint"] = std::string(v.name) + ".safetensors";
      entry["available"] = false;
      entry["problem"] = e.what();
    }
    list.push_back(std::move(entry));
  }
  return list;
}

json limits(const ServerOptions& options) {
  json out = {{"upload_bytes", options.max_upload},
              {"picture_side", options.max_picture_side},
              {"picture_pixels", options.max_picture_pixels},
              {"queue", options.max_queued},
              {"queue_per_client", options.max_queued_per_client},
              {"num_samples", {{"min", 1}, {"max", options.max_samples}, {"step", 1}}}};
  out.update(setting_limits());
  return out;
}

json options_json(const Api& api) {
  const JobSettings defaults = parse_settings(json::object(), api.defaults, 1).settings;
  return {{"versions", versions(api.options)},
          {"samplers", describe_methods(request_field("sampler"), defaults.version)},
          {"discretizations", describe_methods(request_field("discretization"), defaults.version)},
          {"guiders", describe_methods(request_field("guider"), defaults.version)},
          {"defaults", to_json(defaults)},
          {"limits", limits(api.options)},
          {"save_path", api.copies.default_path("{version}")},
          {"save_locally", api.copies.allowed()},
          {"token_needed", api.access.needs_token()},
          {"program", "svd " SVD_VERSION}};
}

Gauges gauges_of(const Api& api, const HttpServer& server) {
  const StoreStatus store = api.store.status();
  const auto count = [&](JobState state) { return store.counts.contains(state) ? store.counts.at(state) : 0; };
  return {.jobs_queued = count(JobState::queued),
          .jobs_running = count(JobState::running),
          .disk_bytes = store.disk_bytes,
          .disk_free_bytes = api.disk.free_bytes(),
          .disk_reserve_bytes = api.disk.reserve(),
          .model_bytes = api.model.memory_bytes(),
          .resident_bytes = process_memory().resident_bytes,
          .connections = server.connections(),
          .listeners = api.events.listeners(),
          .database_answers = !store.problem,
          .worker_waits = api.worker.trouble().has_value(),
          .model_ready = api.model.status()["state"] == "ready"};
}

// The name of the session's cookie depends on the server.
std::string openapi_with(const std::string& cookie_name) {
  constexpr std::string_view kPlaceholder = "\"svd_session\"";
  std::string document(openapi_document());
  if (const size_t place = document.find(kPlaceholder); place != std::string::npos) {
    document.replace(place, kPlaceholder.size(), "\"" + cookie_name + "\"");
  }
  return document;
}

// At once, whatever the rest of the server waits for.
void send_health(const Api& api, httplib::Response& response) {
  std::optional<JobError> problem = api.worker.trouble();
  if (!api.disk.has_room()) problem = JobError{"disk_full", api.disk.explain()};
  const auto database = api.store.status().problem;
  if (database) problem = JobError{"database", *database};
  send_json(response, database ? 503 : 200,
            {{"status", problem ? "degraded" : "ok"},
             {"problem", problem ? json{{"code", problem->code}, {"message", problem->message}} : json(nullptr)},
             {"program", "svd " SVD_VERSION},
             {"model", api.model.status()["state"]},
             {"disk", {{"free_bytes", api.disk.free_bytes()}, {"min_free_bytes", api.disk.reserve()}}}});
}

}  // namespace

void add_info_routes(HttpServer& server, const Api& api) {
  server.Get("/api/v1/options", [api](const httplib::Request&, httplib::Response& response) {
    send_json(response, 200, options_json(api));
  });
  server.Get("/api/v1/health",
             [api](const httplib::Request&, httplib::Response& response) { send_health(api, response); });
  server.Get("/metrics", [api, &server](const httplib::Request&, httplib::Response& response) {
    response.set_content(api.metrics.as_text(gauges_of(api, server)), "text/plain; version=0.0.4; charset=utf-8");
  });
  const std::string openapi = openapi_with_settings(openapi_with(api.access.cookie_name()), api.options.max_samples);
  server.Get("/api/v1/openapi.json", [openapi](const httplib::Request&, httplib::Response& response) {
    response.set_content(openapi, "application/json");
  });
  server.Post("/api/v1/session", [api](const httplib::Request& request, httplib::Response& response) {
    const json body = parse_json(request.body, "body");
    const bool given = body.is_object() && body.contains("token") && body["token"].is_string();
    if (!given) throw ApiError(400, "bad_request", "Expected {\"token\": \"...\"}.", "token");
    response.set_header("Set-Cookie", api.access.sign_in(request, body["token"]));
    response.status = 204;
  });
}

}  // namespace svd::server
