// Answers.
#pragma once

#include <httplib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "api_error.h"

namespace svd::server {

inline void send_json(httplib::Response& response, int status, const nlohmann::json& value) {
  response.status = status;
  response.set_content(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), "application/json");
}

inline void send_error(httplib::Response& response, const ApiError& error) {
  const nlohmann::json field = error.field.empty() ? nlohmann::json(nullptr) : nlohmann::json(error.field);
  send_json(response, error.status, {{"error", {{"code", error.code}, {"message", error.what()}, {"field", field}}}});
}

inline constexpr size_t kLargestJson = 64 << 10;
inline constexpr int kDeepestJson = 16;  // deeper than settings go; the parser's memory is the nesting's

// How deep objects and arrays lie in each other.
inline int depth_of_json(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

// In time that grows as the text does: nlohmann's callback, which could look at the depth, does not parse so.
inline nlohmann::json parse_json(std::string_view text, const std::string& field) {
  if (text.size() > kLargestJson) {
    throw ApiError(413, "too_large", field + ": expected at most 64 KiB of JSON", field);
  }
  if (depth_of_json(text) > kDeepestJson) throw ApiError(400, "bad_request", "The JSON is nested too deeply.");
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception&) {
    throw ApiError(400, "bad_request", field + ": expected JSON", field);
  }
}

}  // namespace svd::server
