#include "session_cookie.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/fail.h"
#include "job.h"

namespace svd::server {
namespace {

constexpr auto kLifetime = std::chrono::hours(24) * 30;
constexpr size_t kNameDigits = 8;

int64_t seconds_of(SessionCookie::Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

SessionCookie::SessionCookie(std::string token)
    : token_(std::move(token)), name_("svd_session_" + seal("name").substr(0, kNameDigits)) {}

std::string SessionCookie::seal(std::string_view text) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (!HMAC(EVP_sha256(), token_.data(), static_cast<int>(token_.size()), bytes, text.size(), digest.data(), &size)) {
    fail(ErrorCode::internal, "no HMAC from the cryptography library");
  }
  std::string digits;
  for (unsigned i = 0; i < size; ++i) digits += fmt::format("{:02x}", digest.at(i));
  return digits;
}

std::string SessionCookie::make(Time now) const {
  const std::string text = fmt::format("{}.{}", seconds_of(now + kLifetime), new_job_id());
  return fmt::format("{}={}.{}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict", name_, text, seal(text),
                     std::chrono::seconds(kLifetime).count());
}

bool SessionCookie::accepts(std::string_view header, Time now) const {
  const std::string wanted = name_ + "=";
  for (size_t i = 0; i < header.size();) {
    const size_t end = std::min(header.find(';', i), header.size());
    while (i < end && header[i] == ' ') ++i;
    const std::string_view cookie = header.substr(i, end - i);
    i = end + 1;
    if (!cookie.starts_with(wanted)) continue;
    const std::string_view value = cookie.substr(wanted.size());
    const size_t dot = value.rfind('.');
    if (dot == std::string_view::npos || !same_secret(value.substr(dot + 1), seal(value.substr(0, dot)))) continue;
    int64_t ends = 0;
    std::from_chars(value.data(), value.data() + dot, ends);
    if (ends > seconds_of(now)) return true;
  }
  return false;
}

}  // namespace svd::server
