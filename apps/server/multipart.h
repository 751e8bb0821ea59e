// Bodies of type multipart/form-data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace svd::server {

struct FormPart {
  std::string name;
  std::string_view content;  // into the body
};

// Throws ApiError 400 "bad_request" when the body is not what the type promises.
std::vector<FormPart> parse_multipart(std::string_view content_type, std::string_view body);

// The content of the part of that name, if there is one.
std::optional<std::string_view> part_named(const std::vector<FormPart>& parts, std::string_view name);

}  // namespace svd::server
