// Who may do what: the token, and requests that a browser sends on behalf of other sites.
#pragma once

#include <httplib.h>

#include <string>
#include <vector>

#include "rate_limiter.h"
#include "server_options.h"
#include "session_cookie.h"

namespace svd::server {

// Thread-safe.
class Access {
 public:
  explicit Access(const ServerOptions& options);

  // Throws ApiError: 403 for a name in Host that is not ours (DNS rebinding) and for what another site's page sends;
  // 401 without the token where one is needed; 429 after too many wrong ones.
  void check(const httplib::Request& request);

  // For a right token, the value of Set-Cookie for a session. Throws ApiError 401 and 429.
  std::string sign_in(const httplib::Request& request, const std::string& token);
  const std::string& cookie_name() const { return sessions_.name(); }
  bool needs_token() const { return !options_.token.empty(); }

  // Whose limits count for the request.
  std::string client_of(const httplib::Request& request) const;

 private:
  void check_host(const httplib::Request& request) const;
  void check_site(const httplib::Request& request) const;
  void check_token(const httplib::Request& request);

  const ServerOptions& options_;
  RateLimiter wrong_tokens_;
  const SessionCookie sessions_;
};

// The address binds only this machine: "127.0.0.1", "localhost", "::1".
bool is_loopback(const std::string& host);

}  // namespace svd::server
