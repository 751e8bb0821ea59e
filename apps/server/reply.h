// Answers.
#pragma once

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <string>

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

inline nlohmann::json parse_json(std::string_view text, const std::string& field) {
  // As deep as settings go, and no deeper: the parser's memory is the nesting's.
  const auto limited = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > 16) throw ApiError(400, "bad_request", "The JSON is nested too deeply.");
    return true;
  };
  try {
    return nlohmann::json::parse(text, limited);
  } catch (const nlohmann::json::exception&) {
    throw ApiError(400, "bad_request", field + ": expected JSON", field);
  }
}

}  // namespace svd::server
