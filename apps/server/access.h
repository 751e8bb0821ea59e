// Who may do what: the token, and requests that a browser sends on behalf of other sites.
#pragma once

#include <httplib.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "rate_limiter.h"
#include "server_options.h"

namespace svd::server {

// Thread-safe.
class Access {
 public:
  explicit Access(const ServerOptions& options);

  // Throws ApiError: 403 for a name in Host that is not ours (DNS rebinding) and for what another site's page sends;
  // 401 without the token where one is needed; 429 after too many wrong ones.
  void check(const httplib::Request& request);

  // For a right token, the value of a session cookie that stands for it until the server ends: what the page's <video>
  // and EventSource can send. Throws ApiError 401 and 429.
  std::string sign_in(const httplib::Request& request, const std::string& token);
  bool needs_token() const { return !options_.token.empty(); }

  // Whose limits count for the request.
  std::string client_of(const httplib::Request& request) const;

 private:
  void check_host(const httplib::Request& request) const;
  void check_site(const httplib::Request& request) const;
  void check_token(const httplib::Request& request);
  bool has_session(const httplib::Request& request);

  const ServerOptions& options_;
  RateLimiter wrong_tokens_;
  std::mutex mutex_;
  std::set<std::string> sessions_;
};

// The address binds only this machine: "127.0.0.1", "localhost", "::1".
bool is_loopback(const std::string& host);

}  // namespace svd::server
