// The cookie that stands for the token: what the page's <video> and EventSource can send.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace svd::server {

// Nothing is kept of it: a cookie carries its end and a seal made with the token, so it outlives a restart, and dies
// with the token. Its name depends on the token too, since browsers keep one jar for all ports of a host.
class SessionCookie {
 public:
  using Time = std::chrono::system_clock::time_point;

  explicit SessionCookie(std::string token);

  const std::string& name() const { return name_; }
  // The value of Set-Cookie.
  std::string make(Time now) const;
  // Whether one of the cookies in the header Cookie is good.
  bool accepts(std::string_view header, Time now) const;

 private:
  std::string seal(std::string_view text) const;  // 64 hexadecimal digits
  std::string token_, name_;
};

// Takes the same time wherever they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace svd::server
