// One client's connection, on which nobody can wait for ever.
#pragma once

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace svd::server {

struct ConnectionTimes {
  std::chrono::seconds read;   // for a request's head to arrive whole, and the same again for its body
  std::chrono::seconds write;  // without any progress
  std::chrono::seconds idle;   // between requests
};

// httplib's own streams time each read and write: a client that sends a byte every few seconds holds them for hours.
// Here a request has a deadline; a body has more time by its size, at kSlowestUpload. Does not own the socket.
class Connection final : public httplib::Stream {
 public:
  static constexpr uint64_t kSlowestUpload = 16 << 10;  // bytes per second

  Connection(socket_t socket, const ConnectionTimes& times);

  // Waits for the first byte of a request and starts its time; false when none came or the client has left.
  bool wait_for_request();
  // The head has been read: a body of that length follows.
  void expect_body(uint64_t bytes);

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

  socket_t socket_;
  ConnectionTimes times_;
  Clock::time_point deadline_;  // of the request that is being read
  std::string buffer_;          // httplib reads heads byte by byte
  size_t used_ = 0;             // of the buffer
};

}  // namespace svd::server
