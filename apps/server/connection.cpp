#include "connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace svd::server {
namespace {

constexpr size_t kBufferBytes = 16 << 10;

// In the head that ends at `end`; several of them become several.
void rename_range(std::string& head, size_t end) {
  constexpr std::string_view kRange = "range:";
  const std::string name = std::string(kRangeHeader) + ":";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  for (size_t line = head.find("\r\n"); line < end; line = head.find("\r\n", line + 2)) {
    if (!std::ranges::equal(std::string_view(head).substr(line + 2, kRange.size()), kRange, same)) continue;
    head.replace(line + 2, kRange.size(), name);
    end += name.size() - kRange.size();
  }
}

using AddressOf = int (*)(int, sockaddr*, socklen_t*);

void read_address(AddressOf address_of, socket_t socket, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (address_of(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    port = ntohs(v4->sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    port = ntohs(v6->sin6_port);
  }
  ip = text.data();
}

}  // namespace

Connection::Connection(socket_t socket, const ConnectionLimits& limits)
    : socket_(socket), limits_(limits), deadline_(Clock::now() + limits.read) {}

bool Connection::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd descriptor{socket_, events, 0};
    const int result = ::poll(&descriptor, 1, static_cast<int>(std::max<long>(0, left)));
    if (result > 0) return true;
    if (result == 0 || errno != EINTR) return false;
  }
}

ssize_t Connection::receive() {
  if (!wait(POLLIN, deadline_)) return -1;
  const size_t begin = buffer_.size();
  buffer_.resize(begin + kBufferBytes);
  ssize_t n = -1;
  do {
    n = ::recv(socket_, buffer_.data() + begin, kBufferBytes, 0);
  } while (n < 0 && errno == EINTR);
  buffer_.resize(begin + (n > 0 ? static_cast<size_t>(n) : 0));
  return n;
}

Connection::Head Connection::read_head() {
  in_body_ = false;
  buffer_.erase(0, used_);
  used_ = 0;
  if (buffer_.empty() && !wait(POLLIN, Clock::now() + limits_.idle)) return Head::none;
  deadline_ = Clock::now() + limits_.read;
  size_t end = std::string::npos;
  for (size_t searched = 0;;) {
    end = buffer_.find("\r\n\r\n", searched);
    if (std::min(end, buffer_.size()) > kLargestHead) return Head::too_large;
    if (end != std::string::npos) break;
    searched = buffer_.size() - std::min<size_t>(buffer_.size(), 3);
    if (receive() <= 0) return Head::none;
  }
  rename_range(buffer_, end);
  return Head::complete;
}

void Connection::expect_body() {
  in_body_ = true;
  body_bytes_ = buffer_.size() - used_;
  deadline_ = Clock::now() + limits_.read;
}

bool Connection::is_readable() const { return used_ < buffer_.size() || wait(POLLIN, Clock::now()); }

bool Connection::is_writable() const {
  pollfd descriptor{socket_, POLLOUT | POLLRDHUP, 0};
  if (::poll(&descriptor, 1, static_cast<int>(std::chrono::milliseconds(limits_.write).count())) <= 0) return false;
  return (descriptor.revents & (POLLERR | POLLHUP | POLLRDHUP)) == 0;
}

ssize_t Connection::read(char* data, size_t size) {
  if (used_ == buffer_.size()) {
    if (in_body_ && body_bytes_ >= limits_.body_bytes) return -1;
    buffer_.clear();
    used_ = 0;
    const ssize_t n = receive();
    if (n <= 0) return n;
    body_bytes_ += static_cast<uint64_t>(n);
    // Only what has arrived earns time, so that a client that claims much and sends nothing is soon gone.
    if (in_body_) deadline_ += std::chrono::microseconds(1'000'000 * static_cast<int64_t>(n) / kSlowestUpload);
  }
  const size_t n = std::min(size, buffer_.size() - used_);
  std::memcpy(data, buffer_.data() + used_, n);
  used_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t Connection::write(const char* data, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    if (!wait(POLLOUT, Clock::now() + limits_.write)) return -1;
    const ssize_t n = ::send(socket_, data + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return -1;
    sent += static_cast<size_t>(n);
  }
  return static_cast<ssize_t>(sent);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  read_address(::getpeername, socket_, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  read_address(::getsockname, socket_, ip, port);
}

}  // namespace svd::server
