// A connection by hand, for clients that behave badly.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace svd::test {

class RawClient {
 public:
  explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  bool send(std::string_view text) const {
    return connected_ && ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // Whether the refusal has come; true once.
  bool was_refused() {
    std::array<char, 512> buffer;
    const ssize_t n = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return n > 0 && std::string_view(buffer.data(), static_cast<size_t>(n)).starts_with("HTTP/1.1 503");
  }
  // What comes until the other side closes or the time is over.
  std::string read_all(std::chrono::milliseconds time) const {
    std::string text;
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      pollfd descriptor{socket_, POLLIN, 0};
      if (left <= 0 || ::poll(&descriptor, 1, static_cast<int>(left)) <= 0) return text + "[open]";
      std::array<char, 4096> buffer;
      const ssize_t n = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (n <= 0) return text + "[closed]";
      text.append(buffer.data(), static_cast<size_t>(n));
    }
  }

 private:
  int socket_;
  bool connected_;
};

}  // namespace svd::test
