#include "access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <string_view>

#include "api_error.h"

namespace svd::server {
namespace {

constexpr int kWrongTokensPerMinute = 20;

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// "[::1]:8501" -> "::1", "svd.example.org:443" -> "svd.example.org"; in lower case.
std::string host_name(std::string_view authority) {
  std::string_view name = authority;
  if (name.starts_with('[')) {
    name = name.substr(1, name.find(']') - 1);
  } else {
    name = name.substr(0, name.find(':'));
  }
  return lower(std::string(name));
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

bool changes_something(const httplib::Request& request) {
  return request.method != "GET" && request.method != "HEAD" && request.method != "OPTIONS";
}

// What anybody may see: the page without its data, how the API works, whether the server is alive.
bool is_public(const httplib::Request& request) {
  if (request.path == "/api/v1/session") return request.method == "POST";
  return !changes_something(request) &&
         (request.path == "/" || request.path == "/favicon.ico" || request.path.starts_with("/assets/") ||
          request.path == "/api/v1/health" || request.path == "/api/v1/openapi.json");
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(host));
}

Access::Access(const ServerOptions& options)
    : options_(options), wrong_tokens_(kWrongTokensPerMinute), sessions_(options.token) {}

void Access::check(const httplib::Request& request) {
  check_host(request);
  check_site(request);
  if (needs_token() && !is_public(request)) check_token(request);
}

// A site whose name its owner points at this machine is "same origin" for the browser. Such an attack needs a name.
void Access::check_host(const httplib::Request& request) const {
  const std::string host = host_name(request.get_header_value("Host"));
  if (is_address(host) || host == "localhost" || host == options_.host) return;
  if (std::ranges::find(options_.allowed_hosts, host) != options_.allowed_hosts.end()) return;
  throw ApiError(403, "wrong_host",
                 "This server does not answer to the name in the Host header; --allowed_host NAME makes it.");
}

void Access::check_site(const httplib::Request& request) const {
  const std::string site = request.get_header_value("Sec-Fetch-Site");
  const bool other_site = site == "cross-site" || site == "same-site";
  const bool is_link = !changes_something(request) && request.get_header_value("Sec-Fetch-Mode") == "navigate";
  const std::string origin = request.get_header_value("Origin");
  const size_t scheme_end = origin.find("://");
  const bool other_origin =
      request.has_header("Origin") &&
      (scheme_end == std::string::npos || origin.substr(scheme_end + 3) != request.get_header_value("Host"));
  if ((other_site && !is_link) || other_origin) {
    throw ApiError(403, "cross_site", "Requests from pages of other sites are not answered.");
  }
}

void Access::check_token(const httplib::Request& request) {
  if (sessions_.accepts(request.get_header_value("Cookie"), std::chrono::system_clock::now())) return;
  constexpr std::string_view kBearer = "bearer ";
  const std::string header = request.get_header_value("Authorization");
  if (header.size() > kBearer.size() && lower(header.substr(0, kBearer.size())) == kBearer) {
    if (same_secret(header.substr(kBearer.size()), options_.token)) return;
    if (!wrong_tokens_.allow(client_of(request))) throw ApiError(429, "too_many_tokens", "Too many wrong tokens.");
  }
  throw ApiError(401, "unauthorized", "This needs the server's token: `Authorization: Bearer TOKEN`.");
}

std::string Access::sign_in(const httplib::Request& request, const std::string& token) {
  if (!needs_token() || !same_secret(token, options_.token)) {
    if (!wrong_tokens_.allow(client_of(request))) throw ApiError(429, "too_many_tokens", "Too many wrong tokens.");
    throw ApiError(401, "unauthorized", needs_token() ? "That is not the server's token." : "This server has no token.",
                   "token");
  }
  return sessions_.make(std::chrono::system_clock::now());
}

std::string Access::client_of(const httplib::Request& request) const {
  if (options_.trust_proxy) {
    const std::string forwarded = request.get_header_value("X-Forwarded-For");
    const size_t comma = forwarded.rfind(',');
    std::string last = comma == std::string::npos ? forwarded : forwarded.substr(comma + 1);
    last.erase(0, last.find_first_not_of(' '));
    if (is_address(last)) return last;
  }
  return request.remote_addr;
}

}  // namespace svd::server
