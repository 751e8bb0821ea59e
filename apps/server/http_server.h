// httplib's server with bounds: on connections, in all and from one address, and on the time that each may take.
#pragma once

#include <httplib.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "connection.h"

namespace svd::server {

struct HttpLimits {
  int connections = 512;
  ConnectionLimits connection{};
};

// The header in which a request's Content-Type stands when it is multipart/form-data. httplib's own parser of such
// bodies matches their header lines with std::regex, whose recursion a long line drives through the end of the stack,
// so it is kept from seeing them; multipart.h reads them.
inline constexpr const char* kMultipartHeader = "Svd-Multipart-Type";

class HttpServer final : public httplib::Server {
 public:
  // `on_refused` is called, in any thread, for each connection that is turned away.
  HttpServer(const HttpLimits& limits, std::function<void()> on_refused);

  // As httplib's, and remembered.
  template <typename H>
  void Get(const std::string& pattern, H handler) {
    patterns_["GET"].emplace_back(pattern);
    httplib::Server::Get(pattern, std::move(handler));
  }
  template <typename H>
  void Post(const std::string& pattern, H handler) {
    patterns_["POST"].emplace_back(pattern);
    httplib::Server::Post(pattern, std::move(handler));
  }
  template <typename H>
  void Delete(const std::string& pattern, H handler) {
    patterns_["DELETE"].emplace_back(pattern);
    httplib::Server::Delete(pattern, std::move(handler));
  }
  // The methods that there are for the path, as in the header Allow; empty for a path that is not known.
  std::string allowed_methods(const std::string& path) const;

  // After binding: httplib lets five clients knock at a time, and makes the sixth try again after seconds.
  void lengthen_backlog();
  // Closes all connections and ends listen_after_bind().
  void stop_all();
  size_t connections() const;

 private:
  bool process_and_close_socket(socket_t socket) override;
  void serve(socket_t socket);
  bool admit(socket_t socket, const std::string& address);
  void release(socket_t socket, const std::string& address);
  bool is_crowded() const;

  std::map<std::string, std::vector<std::regex>> patterns_;  // by method
  const HttpLimits limits_;
  const std::function<void()> on_refused_;
  mutable std::mutex mutex_;
  std::set<socket_t> open_;
  std::map<std::string, int> by_address_;
  bool stopping_ = false;
};

}  // namespace svd::server
