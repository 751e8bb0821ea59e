// svd serve: the web page and the job server.
#include <cstdlib>
#include <memory>

#include "base/fail.h"
#include "command.h"
#include "interrupt.h"
#include "machine_options.h"
#include "option_types.h"
#include "sample_input.h"
#include "server.h"

namespace svd::cli {
namespace {

constexpr const char* kFooter =
    "The page is at / and loads nothing from elsewhere; GET /api/v1/openapi.json describes the API. Other machines "
    "can\n"
    "reach the server only with --host, which requires a token. The environment variable SVD_TOKEN sets one without\n"
    "showing it to other users of the machine. Jobs are kept in the --data folder and survive a restart, however the\n"
    "program ended. Ctrl-C and SIGTERM shut it down cleanly: the running job goes back into the queue. docs/server.md\n"
    "has a systemd unit and a reverse-proxy example.\n\n"
    "Examples:\n"
    "  svd serve                                          http://127.0.0.1:8501, with "
    "checkpoints/<version>.safetensors\n"
    "  svd serve --port 9000 --checkpoints /srv/models --data /var/lib/svd\n"
    "  SVD_TOKEN=$(openssl rand -hex 16) svd serve --host 0.0.0.0 --allowed_host studio.example.org\n";

struct ServeOptions {
  server::ServerOptions server;
  std::string checkpoints, data = server.data.string(), save_root = server.save_root.string(), web_root;
  bool no_save_locally = false, no_keep_loaded = false;
  int max_upload_mib = static_cast<int>(server.max_upload >> 20);
  int max_picture_megapixels = static_cast<int>(server.max_picture_pixels / 1'000'000);
  int disk_quota_mib = static_cast<int>(server.disk_quota >> 20);
  int min_free_disk_mib = static_cast<int>(server.min_free_disk >> 20);
  int keep_days = 0;
  int read_timeout = static_cast<int>(server.read_timeout.count());
  int write_timeout = static_cast<int>(server.write_timeout.count());
};

void add_network(CLI::App& c, ServeOptions& o) {
  constexpr const char* kGroup = "Network";
  c.add_option("--host", o.server.host, "Address to listen on")
      ->type_name("ADDRESS")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--port", o.server.port, {0, 65535}, "0: any free port")->capture_default_str()->group(kGroup);
  c.add_option("--token", o.server.token,
               "Clients must send it (Authorization: Bearer TOKEN); at least 16 characters.\n"
               "Default: the environment variable SVD_TOKEN, or none")
      ->type_name("TOKEN")
      ->group(kGroup);
  c.add_flag("--insecure_no_token", o.server.insecure_no_token, "Allow other machines to connect without a token")
      ->group(kGroup);
  c.add_option("--allowed_host", o.server.allowed_hosts,
               "Host name that clients may use, in addition to localhost and\n"
               "addresses; may be given several times")
      ->type_name("NAME")
      ->group(kGroup);
  c.add_flag("--trust_proxy", o.server.trust_proxy,
             "There is a reverse proxy in front: a client's address is the last one in X-Forwarded-For")
      ->group(kGroup);
  add_number(c, "--max_connections", o.server.max_connections, {8, 8192}, "Connections open at a time")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--read_timeout", o.read_timeout, {1, 3600},
             "Seconds for a request to arrive; uploads get more, depending on their size")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--write_timeout", o.write_timeout, {1, 3600},
             "Seconds that a client may go without reading any of a response")
      ->capture_default_str()
      ->group(kGroup);
  add_path(c, "--web_root", o.web_root,
           "Serve the page from this folder instead of the built-in one, for developing it")
      ->group(kGroup);
}

void add_model(CLI::App& c, ServeOptions& o) {
  constexpr const char* kGroup = "Model";
  add_path(c, "--checkpoints", o.checkpoints,
           "Folder with <version>.safetensors files; default: checkpoints here, or the\n"
           "folder that SVD_CHECKPOINTS names")
      ->group(kGroup);
  add_device(c, o.server.device)->group(kGroup);
  add_precision(c, o.server.precision)->group(kGroup);
  add_threads(c, o.server.threads)->group(kGroup);
  c.add_flag("--no_keep_loaded", o.no_keep_loaded,
             "Load the model's parts for each job and release them afterwards: less memory")
      ->group(kGroup);
  c.add_option("--defaults", o.server.defaults,
               "Default settings of jobs, as JSON:\n"
               "'{\"version\": \"svd_xt\", \"num_steps\": 20}'")
      ->type_name("JSON")
      ->group(kGroup);
}

void add_jobs(CLI::App& c, ServeOptions& o) {
  constexpr const char* kGroup = "Jobs and disk";
  add_path(c, "--data", o.data, "Folder for the database and files of the jobs; default: svd-server")->group(kGroup);
  add_path(c, "--save_root", o.save_root, "\"Save locally\" writes only below this folder; default: outputs")
      ->group(kGroup);
  c.add_flag("--no_save_locally", o.no_save_locally, "Disable \"save locally\"")->group(kGroup);
  add_number(c, "--max_queued", o.server.max_queued, {1, 100000}, "Jobs waiting or running")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--max_queued_per_client", o.server.max_queued_per_client, {1, 100000}, "... of one client")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--max_samples", o.server.max_samples, {1, 64}, "Jobs in one request")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--keep_jobs", o.server.keep_jobs, {1, 1000000}, "Finished jobs to keep; the oldest are deleted first")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--keep_days", o.keep_days, {1, 36500}, "Delete finished jobs after this many days; default: never")
      ->group(kGroup);
  add_number(c, "--disk_quota", o.disk_quota_mib, {1, 1 << 30},
             "MiB for the jobs' pictures and files; the oldest finished jobs are deleted first")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--min_free_disk", o.min_free_disk_mib, {0, 1 << 30},
             "MiB: with less free space jobs wait, and none is accepted")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--max_attempts", o.server.max_attempts, {1, 1000},
             "Give a job up as failed after the server has died with it this many times")
      ->capture_default_str()
      ->group(kGroup);
}

void add_limits(CLI::App& c, ServeOptions& o) {
  constexpr const char* kGroup = "Pictures and logs";
  add_number(c, "--max_upload", o.max_upload_mib, {1, 512}, "MiB of a picture file")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--max_picture_side", o.server.max_picture_side, {64, kMaxImageSide}, "Pixels")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--max_picture_megapixels", o.max_picture_megapixels,
             {1, static_cast<int>(kMaxImagePixels / 1'000'000)}, "Width times height")
      ->capture_default_str()
      ->group(kGroup);
  add_number(c, "--uploads_per_minute", o.server.uploads_per_minute, {1, 100000}, "Per client")
      ->capture_default_str()
      ->group(kGroup);
  c.add_flag("--log_json", o.server.log_json, "One JSON object per line instead of text")->group(kGroup);
  add_choice<std::string>(c, "--log_level", o.server.log_level,
                          {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}},
                          "debug (every request), info, warning or error")
      ->capture_default_str()
      ->group(kGroup);
}

int serve(ServeOptions& o) {
  watch_for_interrupt();
  server::ServerOptions& s = o.server;
  s.find_checkpoint = [folder = o.checkpoints](Version version) { return find_checkpoint_in(folder, version); };
  s.data = o.data;
  s.save_root = o.no_save_locally ? std::string() : o.save_root;
  s.web_root = o.web_root;
  s.keep_loaded = !o.no_keep_loaded;
  s.max_upload = static_cast<uint64_t>(o.max_upload_mib) << 20;
  s.max_picture_pixels = int64_t{o.max_picture_megapixels} * 1'000'000;
  s.disk_quota = static_cast<uint64_t>(o.disk_quota_mib) << 20;
  s.min_free_disk = static_cast<uint64_t>(o.min_free_disk_mib) << 20;
  s.keep_for = std::chrono::hours(24) * o.keep_days;
  s.read_timeout = std::chrono::seconds(o.read_timeout);
  s.write_timeout = std::chrono::seconds(o.write_timeout);
  if (const char* token = std::getenv("SVD_TOKEN"); token && s.token.empty()) s.token = token;
  server::run_server(s, interrupted);
  return kSuccess;
}

}  // namespace

void add_serve_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<ServeOptions>();
  CLI::App* c = app.add_subcommand("serve", "Serve the web page and the API, and run their jobs");
  add_network(*c, *o);
  add_model(*c, *o);
  add_jobs(*c, *o);
  add_limits(*c, *o);
  c->footer(kFooter);
  c->callback([o, &run] { run = [o] { return serve(*o); }; });
}

}  // namespace svd::cli
