// The routes, by what they are about.
#pragma once

#include <nlohmann/json.hpp>

#include "access.h"
#include "api_error.h"
#include "disk_space.h"
#include "event_hub.h"
#include "http_server.h"
#include "job_files.h"
#include "job_store.h"
#include "job_view.h"
#include "live_progress.h"
#include "log.h"
#include "metrics.h"
#include "model_keeper.h"
#include "picture_intake.h"
#include "saved_copies.h"
#include "server_options.h"
#include "svd/error.h"
#include "worker.h"

namespace svd::server {

// What the routes work with. Everything is borrowed, and thread-safe.
struct Api {
  const ServerOptions& options;
  const nlohmann::json& defaults;  // settings that jobs have when their client says nothing
  Access& access;
  RateLimiter& uploads;
  PictureIntake& intake;
  JobStore& store;
  JobFiles& files;
  const SavedCopies& copies;
  const DiskSpace& disk;
  const LiveProgress& live;
  const JobView& view;
  const ModelKeeper& model;
  Worker& worker;
  EventHub& events;
  Metrics& metrics;
  const Log& log;
};

// Each keeps a copy of `api`, whose members must outlive the server.
void add_page_routes(HttpServer& server, const Api& api);    // the page and its files
void add_info_routes(HttpServer& server, const Api& api);    // options, health, metrics, OpenAPI, session
void add_model_routes(HttpServer& server, const Api& api);   // load, unload
void add_job_routes(HttpServer& server, const Api& api);     // create, list, get, cancel, repeat, delete
void add_file_routes(HttpServer& server, const Api& api);    // pictures and videos of jobs
void add_event_routes(HttpServer& server, const Api& api);   // server-sent events
void add_hosted_routes(HttpServer& server, const Api& api);  // the hosted service's image-to-video API

// Makes the jobs that a request asks for, with the limits of its client; tells worker and listeners. Throws ApiError.
std::vector<Job> accept_jobs(const Api& api, const httplib::Request& request, std::string_view image,
                             SettingsRequest wanted);

}  // namespace svd::server
