#include "multipart.h"

#include <algorithm>
#include <cctype>

#include "api_error.h"

namespace svd::server {
namespace {

constexpr size_t kMostParts = 64;
constexpr size_t kLongestHead = 4096;
constexpr size_t kLongestBoundary = 70;  // RFC 2046

[[noreturn]] void reject(const char* what) {
  throw ApiError(400, "bad_request", std::string("The body is not proper multipart/form-data: ") + what);
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

// The value of `name=` among the ';' separated parameters of a header, without quotes; empty when it is not there.
std::string parameter(std::string_view header, std::string_view name) {
  for (size_t i = header.find(';'); i != std::string_view::npos && i < header.size();) {
    ++i;
    while (i < header.size() && header[i] == ' ') ++i;
    const size_t equals = header.find('=', i), semicolon = header.find(';', i);
    if (equals == std::string_view::npos) return {};
    if (semicolon < equals) {
      i = semicolon;
      continue;
    }
    const bool found = lower(header.substr(i, equals - i)) == name;
    std::string value;
    i = equals + 1;
    if (i < header.size() && header[i] == '"') {
      for (++i; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size()) ++i;
        value += header[i];
      }
      i = header.find(';', i);
    } else {
      const size_t end = std::min(header.find(';', i), header.size());
      value = header.substr(i, end - i);
      while (!value.empty() && value.back() == ' ') value.pop_back();
      i = end;
    }
    if (found) return value;
  }
  return {};
}

std::string name_of(std::string_view head) {
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    if (lower(line.substr(0, 20)) == "content-disposition:") return parameter(line, "name");
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return {};
}

}  // namespace

std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body) {
  const std::string boundary = parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kLongestBoundary) reject("no boundary in Content-Type");
  const std::string delimiter = "--" + boundary, next_delimiter = "\r\n" + delimiter;

  std::vector<FormPart> parts;
  size_t position = body.starts_with(delimiter) ? 0 : body.find(next_delimiter);
  if (position == std::string_view::npos) reject("no part");
  position += position == 0 && body.starts_with(delimiter) ? delimiter.size() : next_delimiter.size();
  while (body.substr(position, 2) != "--") {
    if (body.substr(position, 2) != "\r\n") reject("no line end after a boundary");
    position += 2;
    const size_t head_end = body.substr(0, std::min(body.size(), position + kLongestHead)).find("\r\n\r\n", position);
    if (head_end == std::string_view::npos) reject("a part without an end of its headers");
    const size_t content = head_end + 4;
    const size_t end = body.find(next_delimiter, content);
    if (end == std::string_view::npos) reject("it ends before its last boundary");
    if (parts.size() == kMostParts) reject("too many parts");
    parts.push_back({name_of(body.substr(position, head_end - position)), body.substr(content, end - content)});
    position = end + next_delimiter.size();
  }
  return parts;
}

std::optional<std::string_view> part_named(const std::vector<FormPart>& parts, std::string_view name) {
  const auto it = std::ranges::find(parts, name, &FormPart::name);
  return it == parts.end() ? std::nullopt : std::optional(it->content);
}

}  // namespace svd::server
