#include "http_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace svd::server {
namespace {

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\nConnection: close\r\n"
    "Content-Length: 78\r\n\r\n"
    "{\"error\":{\"code\":\"busy\",\"message\":\"Too many connections.\",\"field\":null}}      ";

// Threads come as connections do, up to a number, and stay. With more threads than connections that are served, some
// are always free to turn the others away.
class GrowingPool final : public httplib::TaskQueue {
 public:
  explicit GrowingPool(size_t most) : most_(most) {}

  void enqueue(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    if (idle_ < work_.size() && threads_.size() < most_) threads_.emplace_back([this] { run(); });
    come_.notify_one();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    come_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      come_.wait(lock, [&] { return ending_ || !work_.empty(); });
      --idle_;
      if (work_.empty()) return;
      auto work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
      lock.lock();
    }
  }

  const size_t most_;
  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<std::function<void()>> work_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool ending_ = false;
};

constexpr std::string_view kHeadTooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: application/json\r\nConnection: close\r\n"
    "Content-Length: 98\r\n\r\n"
    "{\"error\":{\"code\":\"too_large\",\"message\":\"The headers are larger than 64 KiB in all.\",\"field\":null}}";

void send_at_once(socket_t socket, std::string_view answer) {
  (void)!::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void hide_multipart_type(httplib::Request& request) {
  const std::string type = request.get_header_value("Content-Type");
  request.headers.erase(kMultipartHeader);
  if (!type.starts_with("multipart/form-data")) return;
  request.headers.erase("Content-Type");
  request.headers.emplace(kMultipartHeader, type);
}

}  // namespace

HttpServer::HttpServer(const HttpLimits& limits, std::function<void()> on_refused)
    : limits_(limits), on_refused_(std::move(on_refused)) {
  new_task_queue = [this] { return new GrowingPool(static_cast<size_t>(limits_.connections) + 2); };
  // httplib's own setting, SO_REUSEPORT, lets a second server take half of the first one's clients.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
}

std::string HttpServer::allowed_methods(const std::string& path) const {
  std::string methods;
  for (const auto& [method, patterns] : patterns_) {
    const bool matches =
        std::ranges::any_of(patterns, [&](const std::regex& pattern) { return std::regex_match(path, pattern); });
    if (matches) methods += (methods.empty() ? "" : ", ") + method + (method == "GET" ? ", HEAD" : "");
  }
  return methods;
}

bool HttpServer::process_and_close_socket(socket_t socket) {
  std::string address;
  int port = 0;
  Connection(socket, limits_.connection).get_remote_ip_and_port(address, port);
  if (admit(socket, address)) {
    serve(socket);
    release(socket, address);
  } else {
    on_refused_();
    send_at_once(socket, kBusy);
  }
  ::shutdown(socket, SHUT_WR);
  ::close(socket);
  return true;
}

void HttpServer::serve(socket_t socket) {
  Connection connection(socket, limits_.connection);
  bool last = false;
  while (!last) {
    const Connection::Head head = connection.read_head();
    if (head == Connection::Head::too_large) send_at_once(socket, kHeadTooLarge);
    if (head != Connection::Head::complete) return;
    // With few connections left, nobody may keep one for a request that may come.
    const bool close = is_crowded();
    bool understood = false, closed = false, has_body = false;
    const auto head_is_read = [&](httplib::Request& request) {
      understood = true;
      hide_multipart_type(request);
      has_body = request.has_header("Content-Length") || request.has_header("Transfer-Encoding");
      if (!has_body) {
        // Without a length httplib would read a POST's body until the client leaves; the standard says there is none.
        if (request.method != "GET" && request.method != "HEAD") request.headers.emplace("Content-Length", "0");
        return;
      }
      connection.expect_body();
      // A body that was refused unread would be taken for the next request.
      request.headers.erase("Connection");
      request.headers.emplace("Connection", "close");
    };
    const bool answered = process_request(connection, close, closed, head_is_read);
    last = !answered || !understood || close || closed || has_body;
  }
}

bool HttpServer::admit(socket_t socket, const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto most = static_cast<size_t>(limits_.connections);
  // One address cannot have all of them, so that others are served while it tries.
  const auto most_of_one = static_cast<int>(std::max<size_t>(1, most * 3 / 4));
  if (stopping_ || open_.size() >= most || by_address_[address] >= most_of_one) return false;
  open_.insert(socket);
  ++by_address_[address];
  return true;
}

void HttpServer::release(socket_t socket, const std::string& address) {
  const std::lock_guard lock(mutex_);
  open_.erase(socket);
  if (--by_address_[address] == 0) by_address_.erase(address);
}

bool HttpServer::is_crowded() const { return connections() * 2 > static_cast<size_t>(limits_.connections); }

size_t HttpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

void HttpServer::lengthen_backlog() { ::listen(svr_sock_, limits_.connections); }

void HttpServer::stop_all() {
  stop();
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const socket_t socket : open_) ::shutdown(socket, SHUT_RDWR);
}

}  // namespace svd::server
