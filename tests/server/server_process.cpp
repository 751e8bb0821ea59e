#include "server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "support/spawn_arguments.h"
#include "support/test_image.h"
#include "support/tiny_checkpoint.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

fs::path checkpoint_folder(const fs::path& folder) {
  const fs::path checkpoints = folder / "checkpoints";
  if (fs::exists(checkpoints)) return checkpoints;
  fs::create_directories(checkpoints);
  fs::create_symlink(tiny_checkpoint(Decoder::temporal), checkpoints / "svd.safetensors");
  fs::create_symlink(tiny_checkpoint(Decoder::image), checkpoints / "svd_image_decoder.safetensors");
  return checkpoints;
}

}  // namespace

ServerProcess::ServerProcess(const fs::path& folder, const std::vector<std::string>& options,
                             const std::vector<std::string>& environment)
    : log_(folder / "log") {
  // httplib's client writes without MSG_NOSIGNAL: a server that refuses a body and closes would end the test program.
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words = {SVD_PROGRAM, "serve", "--checkpoints=" + checkpoint_folder(folder).string()};
  for (const std::string name : {"--port=", "--data="}) {
    if (std::ranges::any_of(options, [&](const std::string& option) { return option.starts_with(name); })) continue;
    words.push_back(name + (name == "--port=" ? "0" : (folder / "data").string()));
  }
  words.insert(words.end(), options.begin(), options.end());
  std::vector<std::string> variables = environment;
  for (char** v = environ; *v; ++v) {
    if (!std::string_view(*v).starts_with("SVD_")) variables.emplace_back(*v);
  }
  variables.emplace_back("OMP_WAIT_POLICY=passive");

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  const int error =
      ::posix_spawn(&process_, SVD_PROGRAM, &actions, nullptr, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start " SVD_PROGRAM);

  const std::string listening = "listening on http://";
  const auto deadline = Clock::now() + seconds(30);
  for (;;) {
    const std::string text = log();
    const size_t start = text.find(listening);
    if (start != std::string::npos && text.find('\n', start) != std::string::npos) {
      const size_t colon = text.find(':', start + listening.size());
      port_ = std::stoi(text.substr(colon + 1));
      return;
    }
    if (Clock::now() > deadline || ::waitpid(process_, nullptr, WNOHANG) != 0) {
      process_ = -1;
      throw std::runtime_error("the server did not come up: " + text);
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

ServerProcess::~ServerProcess() { kill(); }

std::string ServerProcess::log() const {
  std::ifstream stream(log_, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

void ServerProcess::kill() {
  if (process_ > 0) stop(SIGKILL);
}

int ServerProcess::stop(int signal) {
  ::kill(process_, signal);
  return wait();
}

int ServerProcess::wait() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

httplib::Client ServerProcess::client() const {
  httplib::Client client("127.0.0.1", port_);
  client.set_read_timeout(seconds(30));
  return client;
}

std::string png_picture(int width, int height, int phase) {
  const auto png = encode_png({width, height, test_image(height, width, phase)});
  return std::string(reinterpret_cast<const char*>(png.data()), png.size());
}

json quick_settings() { return {{"width", 64}, {"height", 64}, {"num_frames", 2}, {"num_steps", 1}}; }

json endless_settings() {
  json settings = quick_settings();
  settings["num_steps"] = 1000;
  settings["num_frames"] = 14;
  return settings;
}

httplib::Result post_job(httplib::Client& client, const std::string& picture, const std::string& settings,
                         const httplib::Headers& headers) {
  return client.Post("/api/v1/jobs", headers,
                     httplib::MultipartFormDataItems{{"image", picture, "picture.png", "image/png"},
                                                     {"settings", settings, "", "application/json"}});
}

std::string accepted_job(httplib::Client& client, const json& settings) {
  const auto result = post_job(client, png_picture(), settings.dump());
  if (!result || result->status != 201) {
    ADD_FAILURE() << (result ? result->body : "no answer");
    return {};
  }
  return json::parse(result->body)["jobs"][0]["id"];
}

json get_json(httplib::Client& client, const std::string& path) {
  const auto result = client.Get(path);
  if (!result || result->status != 200) {
    ADD_FAILURE() << path << ": " << (result ? result->body : "no answer");
    return {};
  }
  return json::parse(result->body);
}

std::string state_of(httplib::Client& client, const std::string& id) {
  return get_json(client, "/api/v1/jobs/" + id).value("state", "");
}

json wait_for_state(httplib::Client& client, const std::string& id, const std::string& state) {
  const auto deadline = Clock::now() + seconds(30);
  json job;
  do {
    job = get_json(client, "/api/v1/jobs/" + id);
    if (job.is_null() || job["state"] == state) return job;
    std::this_thread::sleep_for(milliseconds(20));
  } while (Clock::now() < deadline);
  ADD_FAILURE() << "the job is not " << state << ": " << job.dump();
  return job;
}

std::string error_of(const httplib::Result& result) {
  if (!result) return "no answer";
  const json body = json::parse(result->body, nullptr, false);
  if (!body.contains("error")) return "no error in: " + result->body;
  return body["error"]["code"].get<std::string>() + ": " + body["error"]["message"].get<std::string>();
}

}  // namespace svd::test
