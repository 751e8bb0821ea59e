// The page's files, as CMake put them into the program (embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace svd::server {

struct WebFile {
  std::string_view name;
  std::string_view content;
};
std::span<const WebFile> web_files();
std::string_view openapi_document();  // JSON

}  // namespace svd::server
