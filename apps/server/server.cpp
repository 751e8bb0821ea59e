#include "server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "api.h"
#include "base/fail.h"
#include "hosted_error.h"
#include "http_date.h"
#include "reply.h"

namespace svd::server {
namespace {

namespace fs = std::filesystem;
using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr size_t kLongestPath = 1024;
constexpr size_t kLargestSmallBody = 64 << 10;  // everything but pictures

void check_options(const ServerOptions& o) {
  if (!is_loopback(o.host) && o.token.empty() && !o.insecure_no_token) {
    fail(
        ErrorCode::invalid_argument,
        "host: at {} other machines reach this server, so it needs a token: give one with --token or SVD_TOKEN (or say "
        "--insecure_no_token and let everybody in)",
        o.host);
  }
  if (o.token.empty() || o.token.size() >= 16) return;
  fail(ErrorCode::invalid_argument,
       "token: expected at least 16 characters, found {}; `openssl rand -hex 16` makes one", o.token.size());
}

json parse_defaults(const ServerOptions& options) {
  try {
    json defaults = json::parse(options.defaults);
    parse_settings(defaults, json::object(), options.max_samples);
    return defaults;
  } catch (const json::exception&) {
    fail(ErrorCode::invalid_argument, "defaults: expected JSON, as in '{{\"num_frames\": 14}}', found {}",
         options.defaults);
  } catch (const ApiError& e) {
    fail(ErrorCode::invalid_argument, "defaults: {}", e.what());
  }
}

// Two servers on one folder would both run its jobs.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    const fs::path path = folder / "lock";
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file_ < 0) {
      fail(ErrorCode::bad_file, "{}: cannot be written: {} (data)", path.string(), std::strerror(errno));
    }
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(file_);
    fail(ErrorCode::bad_file, "{}: another server uses this folder; give each its own (data)", folder.string());
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() { ::close(file_); }

 private:
  int file_;
};

// What stands in every answer. Scripts and styles come from this server only, and nobody frames the page.
const httplib::Headers& security_headers() {
  static const httplib::Headers headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
       "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
      {"Accept-Ranges", "none"},  // except of files
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
  };
  return headers;
}

// What no route should have to look at.
void check_request(const Request& request) {
  if (request.path.size() > kLongestPath) throw ApiError(414, "bad_request", "The path is too long.");
  if (request.has_header("Content-Encoding")) {
    throw ApiError(415, "bad_request", "Bodies must not be compressed.");  // they could grow without bounds
  }
  const bool takes_picture = request.path == "/api/v1/jobs" || is_hosted(request.path);
  const std::string length = request.get_header_value("Content-Length");
  if (!takes_picture && request.has_header("Transfer-Encoding")) {
    throw ApiError(411, "bad_request", "The length of the body must be said.");
  }
  if (!takes_picture && std::strtoull(length.c_str(), nullptr, 10) > kLargestSmallBody) {
    throw ApiError(413, "too_large", "The body is too large.");
  }
}

// For what httplib refuses by itself.
void explain_status(const HttpServer& server, const Request& request, Response& response) {
  if (response.status != 404) {
    send_error_to(request, response, ApiError(response.status, "bad_request", "The request cannot be answered."));
    return;
  }
  const std::string methods = server.allowed_methods(request.path);
  if (methods.empty()) {
    send_error_to(request, response, ApiError(404, "not_found", "There is nothing of that name."));
    return;
  }
  response.set_header("Allow", methods);
  send_error_to(request, response, ApiError(405, "wrong_method", "Here are only: " + methods + "."));
}

void handle_exception(const Log& log, const Request& request, Response& response, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const ApiError& e) {
    send_error_to(request, response, e);
    return;
  } catch (const DatabaseError& e) {
    log.error("the database failed", {{"path", request.path}, {"error", e.what()}});
    if (e.cause != DatabaseError::Cause::other) {
      const bool full = e.cause == DatabaseError::Cause::full;
      response.set_header("Retry-After", "5");
      send_error_to(request, response,
                    full ? ApiError(507, "disk_full", "The server's disk is full. Nothing was changed.")
                         : ApiError(503, "busy", "The server's database is busy. Try again in a moment."));
      return;
    }
  } catch (const std::exception& e) {
    log.error("request failed", {{"method", request.method}, {"path", request.path}, {"error", e.what()}});
  } catch (...) {
    log.error("request failed", {{"method", request.method}, {"path", request.path}});
  }
  send_error_to(request, response, ApiError(500, "internal", "Something went wrong in the server; its log says what."));
}

void set_up(HttpServer& server, const Api& api) {
  server.set_default_headers(security_headers());
  server.set_keep_alive_max_count(1000);
  server.set_keep_alive_timeout(10);
  server.set_payload_max_length(api.options.max_upload + (size_t{1} << 20));
  server.set_pre_routing_handler([api](const Request& request, Response& response) {
    try {
      check_request(request);
      api.access.check(request);
      return HttpServer::HandlerResponse::Unhandled;
    } catch (const ApiError& e) {
      send_error_to(request, response, e);
      if (e.status == 401) response.set_header("WWW-Authenticate", "Bearer");
      return HttpServer::HandlerResponse::Handled;
    }
  });
  server.set_exception_handler([api](const Request& request, Response& response, const std::exception_ptr& thrown) {
    handle_exception(api.log, request, response, thrown);
  });
  server.set_error_handler([&server](const Request& request, Response& response) {
    if (response.body.empty() && !response.content_provider_) explain_status(server, request, response);
  });
  server.set_post_routing_handler(
      [](const Request&, Response& response) { response.set_header("Date", http_date_of(std::time(nullptr))); });
  server.set_logger([api](const Request& request, const Response& response) {
    api.metrics.request(response.status);
    api.log.debug("request", {{"method", request.method},
                              {"path", request.path},
                              {"status", response.status},
                              {"client", api.access.client_of(request)}});
  });
  add_page_routes(server, api);
  add_info_routes(server, api);
  add_model_routes(server, api);
  add_job_routes(server, api);
  add_file_routes(server, api);
  add_event_routes(server, api);
  add_hosted_routes(server, api);
}

int bind(HttpServer& server, const ServerOptions& o) {
  const int port = o.port == 0 ? server.bind_to_any_port(o.host) : server.bind_to_port(o.host, o.port) ? o.port : -1;
  if (port < 0) {
    fail(ErrorCode::unsupported, "cannot listen on {} port {}: {}; is another server there? (host, port)", o.host,
         o.port, std::strerror(errno));
  }
  server.lengthen_backlog();
  return port;
}

// A database that is new beside videos that are not was lost, or is somewhere else.
JobStore open_store(const ServerOptions& options, const JobFiles& files) {
  const fs::path path = options.data / "jobs.sqlite3";
  std::error_code error;
  const bool is_new = !fs::exists(path) || fs::file_size(path, error) == 0;
  if (is_new && files.has_jobs()) {
    fail(ErrorCode::bad_file,
         "{}: there are videos in {}, but this database, which says what they are, is {}; put it back, move the videos "
         "elsewhere, or start with another --data folder",
         path.string(), (options.data / "jobs").string(), fs::exists(path) ? "empty" : "not there");
  }
  return {path, options.max_attempts, files.has_jobs() ? Database::Open::existing : Database::Open::existing_or_new};
}

// A few names of many.
json names_of(const std::vector<fs::path>& paths) {
  constexpr size_t kMost = 20;
  json names = json::array();
  for (const fs::path& path : paths) {
    if (names.size() == kMost) {
      names.push_back(fmt::format("and {} more", paths.size() - kMost));
      break;
    }
    names.push_back(path.string());
  }
  return names;
}

void tidy(JobFiles& files, const SavedCopies& copies, JobStore& store, const Log& log) {
  const TidyResult found = files.tidy([&](const std::string& id) { return store.contains(id); });
  if (!found.removed.empty()) log.info("removed what was left unfinished", {{"folders", names_of(found.removed)}});
  if (!found.strange.empty()) {
    log.warning("left alone what the database does not know", {{"files", names_of(found.strange)}});
  }
  copies.recover([&](const std::string& id) {
    const auto job = store.find(id);
    return job && !is_final(job->state);
  });
}

}  // namespace

void run_server(const ServerOptions& options, const std::function<bool()>& stop) {
  check_options(options);
  const json defaults = parse_defaults(options);
  const Log log(options.log_json ? Log::Format::json : Log::Format::text, options.log_level);
  const FolderLock folder_lock(options.data);
  JobFiles files(options.data);
  JobStore store = open_store(options, files);
  const SavedCopies copies(options.save_root, options.data / "saving");
  tidy(files, copies, store, log);

  const DiskSpace disk(options.data, options.min_free_disk);
  LiveProgress live;
  EventHub events;
  const JobView view(store, live, events);
  ModelKeeper model(options, events, log);
  Metrics metrics;
  Retention retention(options, store, files, view, log);
  retention.enforce();
  Worker worker({options, store, files, copies, disk, live, view, model, retention, metrics, log});

  Access access(options);
  RateLimiter uploads(options.uploads_per_minute);
  PictureIntake intake(options);
  HttpServer server({.connections = options.max_connections,
                     .connection = {.read = options.read_timeout,
                                    .write = options.write_timeout,
                                    .idle = std::chrono::seconds(10),
                                    .body_bytes = 2 * options.max_upload + (uint64_t{1} << 20)}},
                    [&] { metrics.connection_refused(); });
  set_up(server, {options, defaults, access, uploads, intake, store, files, copies, disk, live, view, model, worker,
                  events, metrics, log});
  const int port = bind(server, options);
  worker.start();
  log.info(fmt::format("listening on http://{}:{}",
                       options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]", port),
           {{"data", options.data.string()}, {"queued", store.unfinished().size()}});

  std::thread accepting([&] { server.listen_after_bind(); });
  while (!stop()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  log.info("stopping");
  events.close();
  server.stop_all();
  accepting.join();
  worker.stop();
  log.info("stopped");
}

}  // namespace svd::server
