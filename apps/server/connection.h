// One client's connection, on which nobody can wait for ever.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace svd::server {

struct ConnectionLimits {
  std::chrono::seconds read;   // for a request's head to arrive whole, and the same again for its body
  std::chrono::seconds write;  // without any progress
  std::chrono::seconds idle;   // between requests
  uint64_t body_bytes;         // that a request's body may be, with what chunks add to it
};

// The header in which a request's Range stands: httplib, kept from seeing it, answers parts of everything, also of what
// is not a file, and of some files wrongly. file_reply.h reads it.
inline constexpr const char* kRangeHeader = "Svd-Range";

// httplib's own streams time each read and write, and bound a header's line but not the head: a client that sends a
// byte every few seconds holds them for hours, and one that sends headers without end fills the memory. Here heads
// have a size, and a request has a deadline, which moves on as its body arrives at kSlowestUpload or faster. Does not
// own the socket.
class Connection final : public httplib::Stream {
 public:
  static constexpr uint64_t kSlowestUpload = 16 << 10;  // bytes per second
  static constexpr size_t kLargestHead = 64 << 10;

  Connection(socket_t socket, const ConnectionLimits& limits);

  enum class Head { complete, too_large, none };
  // Waits for a request, and for its head to be there; none when nothing came in time or the client has left.
  Head read_head();
  // The head has been taken: what is read from now on is a body.
  void expect_body();

  bool is_readable() const override;
  bool is_writable() const override;  // false also when the client has left
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  // Events of poll(); false when the deadline passed.
  bool wait(short events, Clock::time_point deadline) const;
  ssize_t receive();  // more, behind what is in the buffer

  socket_t socket_;
  ConnectionLimits limits_;
  Clock::time_point deadline_;  // of the request that is being read
  bool in_body_ = false;
  uint64_t body_bytes_ = 0;
  std::string buffer_;  // httplib reads heads byte by byte
  size_t used_ = 0;     // of the buffer
};

}  // namespace svd::server
