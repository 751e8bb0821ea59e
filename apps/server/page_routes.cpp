// The page: its files are in the program, or in --web_root while somebody works on them.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "api.h"
#include "web_files.h"

namespace svd::server {
namespace {

namespace fs = std::filesystem;

std::string_view type_of(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {{".html", "text/html; charset=utf-8"},
                                                                      {".css", "text/css; charset=utf-8"},
                                                                      {".js", "text/javascript; charset=utf-8"},
                                                                      {".svg", "image/svg+xml"},
                                                                      {".png", "image/png"},
                                                                      {".webmanifest", "application/manifest+json"}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

// A name in one folder: no separators, nothing hidden.
bool is_file_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

std::optional<std::string> content_of(const fs::path& web_root, const std::string& name) {
  if (!is_file_name(name)) return std::nullopt;
  if (web_root.empty()) {
    const auto file = std::ranges::find(web_files(), name, &WebFile::name);
    return file == web_files().end() ? std::nullopt : std::optional(std::string(file->content));
  }
  std::error_code error;
  if (!fs::is_regular_file(web_root / name, error)) return std::nullopt;
  std::ifstream stream(web_root / name, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

// FNV-1a: the tag only has to change when the content does.
std::string tag_of(std::string_view content) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : content) hash = (hash ^ c) * 0x100000001b3;
  return fmt::format("\"{:016x}\"", hash);
}

void send_file(const fs::path& web_root, const std::string& name, const httplib::Request& request,
               httplib::Response& response) {
  const auto content = content_of(web_root, name);
  if (!content) throw ApiError(404, "not_found", "There is no such file.");
  const std::string tag = tag_of(*content);
  response.set_header("ETag", tag);
  response.set_header("Cache-Control", "no-cache");  // asks each time, and mostly hears 304
  if (request.get_header_value("If-None-Match") == tag) {
    response.status = 304;
  } else {
    response.set_content(*content, std::string(type_of(name)));
  }
}

}  // namespace

void add_page_routes(HttpServer& server, const Api& api) {
  server.Get("/", [&root = api.options.web_root](const httplib::Request& request, httplib::Response& response) {
    send_file(root, "index.html", request, response);
  });
  server.Get("/favicon.ico",
             [&root = api.options.web_root](const httplib::Request& request, httplib::Response& response) {
               send_file(root, "icon.svg", request, response);
             });
  server.Get(R"(/assets/([A-Za-z0-9._-]{1,100}))",
             [&root = api.options.web_root](const httplib::Request& request, httplib::Response& response) {
               send_file(root, request.matches[1], request, response);
             });
}

}  // namespace svd::server
