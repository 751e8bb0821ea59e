// `svd serve` as a process, and a client that talks to it over HTTP.
#pragma once

#include <httplib.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "svd/image.h"

namespace svd::test {

using nlohmann::json;

// Started in `folder`, with its data there and a folder of tiny checkpoints (svd and svd_image_decoder), on a port that
// is free. Ended by the destructor, at once. Throws std::runtime_error, with the log, when it does not come up.
class ServerProcess {
 public:
  explicit ServerProcess(const std::filesystem::path& folder, const std::vector<std::string>& options = {},
                         const std::vector<std::string>& environment = {});
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess();

  int port() const { return port_; }
  pid_t process() const { return process_; }
  std::string log() const;
  void kill();           // SIGKILL
  int stop(int signal);  // the exit code; 128 + the signal's number when a signal ended it
  httplib::Client client() const;

 private:
  int wait();
  std::filesystem::path log_;
  pid_t process_ = -1;
  int port_ = 0;
};

// A small picture as a PNG file.
std::string png_picture(int width = 100, int height = 80, int phase = 0);

// 64 x 64, two frames, one step: a fraction of a second.
json quick_settings();
// The same with so many steps that it will not end by itself.
json endless_settings();

// The answer to POST /api/v1/jobs.
httplib::Result post_job(httplib::Client& client, const std::string& picture, const std::string& settings,
                         const httplib::Headers& headers = {});
// Of a job that must be accepted: its id. Fails the test otherwise.
std::string accepted_job(httplib::Client& client, const json& settings = quick_settings());

// The body of GET path, which must answer 200.
json get_json(httplib::Client& client, const std::string& path);
std::string state_of(httplib::Client& client, const std::string& id);
// Asks until the job has the state or half a minute has passed; the job.
json wait_for_state(httplib::Client& client, const std::string& id, const std::string& state);
// "bad_setting: fps: expected ...": code and message of an error's body.
std::string error_of(const httplib::Result& result);

}  // namespace svd::test
