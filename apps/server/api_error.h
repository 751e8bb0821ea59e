// What a request is refused with.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace svd::server {

// Becomes {"error": {"code", "message", "field"}} with that HTTP status. `field` names the setting that is wrong.
struct ApiError : std::runtime_error {
  ApiError(int http_status, std::string error_code, const std::string& message, std::string which = {})
      : std::runtime_error(message), status(http_status), code(std::move(error_code)), field(std::move(which)) {}

  int status;
  std::string code, field;
};

}  // namespace svd::server
