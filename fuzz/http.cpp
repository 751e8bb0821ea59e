// Whatever a client sends on a connection to the server: httplib's parser, our connections, the checks before all
// routes and the routes. The server is a whole one, on a port of this machine. It must answer or hang up, soon, and
// never with a 500.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include "server.h"
#include "svd/error.h"

namespace {

namespace fs = std::filesystem;
using svd::server::ServerOptions;

constexpr int kFirstByteMs = 10'000;  // the server is given so long to begin
constexpr int kMoreBytesMs = 50;      // streams of events do not end by themselves

// Closed by a reset, so that no port stays reserved for a connection that has ended.
class Socket {
 public:
  Socket() : file_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(file_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(file_); }
  int file() const { return file_; }

 private:
  int file_;
};

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool connect_to(const Socket& socket, int port) {
  const sockaddr_in address = loopback(port);
  return ::connect(socket.file(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

int free_port() {
  const Socket socket;
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof(address);
  if (::bind(socket.file(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket.file(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

class RunningServer {
 public:
  RunningServer() : port_(free_port()) {
    std::string name = (fs::temp_directory_path() / "fuzz_http.XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    folder_ = name;
    options_.port = port_;
    options_.data = folder_ / "data";
    options_.save_root = folder_ / "outputs";
    options_.find_checkpoint = [](svd::Version) -> fs::path {
      throw svd::Error(svd::ErrorCode::bad_file, "the fuzz target has no checkpoints");
    };
    options_.uploads_per_minute = 1'000'000;
    options_.max_picture_side = 256;
    options_.keep_jobs = 10;
    options_.log_level = "off";
    thread_ = std::thread([this] { svd::server::run_server(options_, [this] { return stop_.load(); }); });
    for (int tries = 0; !connect_to(Socket(), port_); ++tries) {
      if (tries == 1000) throw std::runtime_error("the server does not come up");
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() {
    stop_ = true;
    thread_.join();
    std::error_code error;
    fs::remove_all(folder_, error);
  }
  int port() const { return port_; }

 private:
  int port_;
  fs::path folder_;
  ServerOptions options_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

bool readable_within(const Socket& socket, int milliseconds) {
  pollfd descriptor{socket.file(), POLLIN, 0};
  return ::poll(&descriptor, 1, milliseconds) > 0;
}

// Everything that comes back until the server closes, or goes quiet.
std::string exchange(int port, const uint8_t* data, size_t size) {
  const Socket socket;
  if (!connect_to(socket, port)) std::abort();
  for (size_t sent = 0; sent < size;) {
    const ssize_t n = ::send(socket.file(), data + sent, size - sent, MSG_NOSIGNAL);
    if (n <= 0) break;  // refused unread
    sent += static_cast<size_t>(n);
  }
  ::shutdown(socket.file(), SHUT_WR);
  if (!readable_within(socket, kFirstByteMs)) std::abort();
  std::string answer;
  char buffer[16 << 10];
  do {
    const ssize_t n = ::recv(socket.file(), buffer, sizeof(buffer), 0);
    if (n <= 0) break;
    answer.append(buffer, static_cast<size_t>(n));
  } while (readable_within(socket, kMoreBytesMs));
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const RunningServer server;
  const std::string answer = exchange(server.port(), data, size);
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  if (answer.starts_with("HTTP/1.1 500") || answer.find("\"code\":\"internal\"") != std::string::npos) {
    std::fprintf(stderr, "%s\n", answer.c_str());
    std::abort();
  }
  return 0;
}
