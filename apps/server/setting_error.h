// How a setting is refused.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "api_error.h"

namespace svd::server {

// Throws ApiError 400 "bad_setting". `field` is the setting's path: "fps", "sampler.eta".
[[noreturn]] inline void reject_setting(const std::string& field, const std::string& expected,
                                        const nlohmann::json& found) {
  std::string text = found.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  throw ApiError(400, "bad_setting", fmt::format("{}: expected {}, found {}", field, expected, text), field);
}

}  // namespace svd::server
