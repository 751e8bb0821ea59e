#include "connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace svd::server {
namespace {

constexpr uint64_t kLargestBody = uint64_t{1} << 30;  // more than --max_upload can be
constexpr size_t kBufferBytes = 16 << 10;

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

Connection::Connection(socket_t socket, const ConnectionTimes& times)
    : socket_(socket), times_(times), deadline_(Clock::now() + times.read) {}

bool Connection::wait(short events, Clock::time_point deadline) const {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd descriptor{socket_, events, 0};
    const int result = ::poll(&descriptor, 1, static_cast<int>(std::max<long>(0, left)));
    if (result > 0) return true;
    if (result == 0 || errno != EINTR) return false;
  }
}

bool Connection::wait_for_request() {
  if (used_ == buffer_.size() && !wait(POLLIN, Clock::now() + times_.idle)) return false;
  deadline_ = Clock::now() + times_.read;
  return true;
}

void Connection::expect_body(uint64_t bytes) {
  const uint64_t believed = std::min(bytes, kLargestBody);  // a client may claim anything
  deadline_ = Clock::now() + times_.read + std::chrono::seconds(believed / kSlowestUpload);
}

bool Connection::is_readable() const { return used_ < buffer_.size() || wait(POLLIN, Clock::now()); }

bool Connection::is_writable() const {
  pollfd descriptor{socket_, POLLOUT | POLLRDHUP, 0};
  if (::poll(&descriptor, 1, static_cast<int>(std::chrono::milliseconds(times_.write).count())) <= 0) return false;
  return (descriptor.revents & (POLLERR | POLLHUP | POLLRDHUP)) == 0;
}

ssize_t Connection::read(char* data, size_t size) {
  if (used_ == buffer_.size()) {
    if (!wait(POLLIN, deadline_)) return -1;
    buffer_.resize(kBufferBytes);
    ssize_t n = -1;
    do {
      n = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    } while (n < 0 && errno == EINTR);
    buffer_.resize(n > 0 ? static_cast<size_t>(n) : 0);
    used_ = 0;
    if (n <= 0) return n;
  }
  const size_t n = std::min(size, buffer_.size() - used_);
  std::memcpy(data, buffer_.data() + used_, n);
  used_ += n;
  return static_cast<ssize_t>(n);
}

ssize_t Connection::write(const char* data, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    if (!wait(POLLOUT, Clock::now() + times_.write)) return -1;
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
