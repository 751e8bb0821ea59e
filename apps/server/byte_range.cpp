#include "byte_range.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace svd::server {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only; a number that is too large becomes the largest.
std::optional<uint64_t> number_in(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : 10 * value + digit;
  }
  return value;
}

}  // namespace

ByteRange choose_range(std::string_view header, uint64_t file_size) {
  using Kind = ByteRange::Kind;
  constexpr std::string_view kUnit = "bytes=";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (header.size() < kUnit.size() || !std::ranges::equal(header.substr(0, kUnit.size()), kUnit, same)) return {};
  const std::string_view range = trimmed(header.substr(kUnit.size()));
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view begin = trimmed(range.substr(0, dash)), end = trimmed(range.substr(dash + 1));
  const auto first = number_in(begin), last = number_in(end);
  if (begin.empty() && last) {  // the last bytes
    const uint64_t length = std::min(*last, file_size);
    if (length == 0) return {Kind::unsatisfiable};
    return {Kind::part, file_size - length, length};
  }
  if (!first || (!end.empty() && !last) || (last && *last < *first)) return {};
  if (*first >= file_size) return {Kind::unsatisfiable};
  const uint64_t behind = last ? std::min(*last, file_size - 1) + 1 : file_size;
  return {Kind::part, *first, behind - *first};
}

}  // namespace svd::server
