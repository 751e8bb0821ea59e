#include "page_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace svd::test {

namespace fs = std::filesystem;

PageServer::PageServer(fs::path folder, const fs::path& checkpoint, const std::string& version,
                       std::vector<std::string> options)
    : folder_(std::move(folder)), options_(std::move(options)), port_(free_port()) {
  fs::remove_all(folder_);
  fs::create_directories(folder_ / "checkpoints");
  fs::create_symlink(fs::absolute(checkpoint), folder_ / "checkpoints" / (version + ".safetensors"));
}

void PageServer::start() {
  std::vector<std::string> command = {SVD_PROGRAM, "serve", "--port", std::to_string(port_)};
  command.insert(command.end(), options_.begin(), options_.end());
  process_.emplace(command, folder_, folder_ / "server.log");
  httplib::Client client("127.0.0.1", port_);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const httplib::Result answer = client.Get("/api/v1/health");
    if (answer && (answer->status == 200 || answer->status == 401)) return;
    if (!process_->is_running() || std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("svd serve does not answer; it wrote: " + process_->log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

std::optional<int> PageServer::stop() {
  const std::optional<int> code = process_->stop();
  process_.reset();
  return code;
}

std::string PageServer::url() const { return fmt::format("http://127.0.0.1:{}/", port_); }

}  // namespace svd::test
