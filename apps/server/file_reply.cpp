#include "file_reply.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "api_error.h"
#include "byte_range.h"
#include "connection.h"
#include "http_date.h"

namespace svd::server {
namespace {

using httplib::Request;
using httplib::Response;

constexpr size_t kChunk = 64 << 10;

// Whether a list of tags as in If-None-Match names this one.
bool names_tag(std::string_view list, std::string_view tag) {
  for (size_t i = 0; i < list.size();) {
    const size_t comma = std::min(list.find(',', i), list.size());
    std::string_view item = list.substr(i, comma - i);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag || item == "*") return true;
    i = comma + 1;
  }
  return false;
}

bool client_has_it(const Request& request, const OpenFile& file) {
  if (request.has_header("If-None-Match")) return names_tag(request.get_header_value("If-None-Match"), file.tag());
  return request.get_header_value("If-Modified-Since") == file.modified();  // files here never change: equal or older
}

ByteRange range_of(const Request& request, const OpenFile& file) {
  if (request.method != "GET") return {};
  const std::string condition = request.get_header_value("If-Range");
  if (!condition.empty() && condition != file.tag() && condition != file.modified()) return {};
  return choose_range(request.get_header_value(kRangeHeader), file.size());
}

}  // namespace

OpenFile::OpenFile(const std::filesystem::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw ApiError(404, "not_found", "There is no such file.");
  }
  size_ = static_cast<uint64_t>(status.st_size);
  tag_ = fmt::format("\"{:x}-{:x}{:08x}\"", size_, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  modified_ = http_date_of(status.st_mtim.tv_sec);
}

OpenFile::~OpenFile() { ::close(descriptor_); }

ssize_t OpenFile::read(char* data, size_t size, uint64_t offset) const {
  return ::pread(descriptor_, data, size, static_cast<off_t>(offset));
}

void send_file(const Request& request, Response& response, const std::filesystem::path& path, const std::string& type) {
  const auto file = std::make_shared<OpenFile>(path);
  response.headers.erase("Accept-Ranges");
  response.set_header("Accept-Ranges", "bytes");
  response.set_header("ETag", file->tag());
  response.set_header("Last-Modified", file->modified());
  if (client_has_it(request, *file)) {
    response.status = 304;
    return;
  }
  ByteRange range = range_of(request, *file);
  if (range.kind == ByteRange::Kind::unsatisfiable) {
    response.set_header("Content-Range", fmt::format("bytes */{}", file->size()));
    throw ApiError(416, "bad_range", fmt::format("The file has {} bytes.", file->size()));
  }
  if (range.kind == ByteRange::Kind::part) {
    response.status = 206;
    response.set_header("Content-Range",
                        fmt::format("bytes {}-{}/{}", range.first, range.first + range.length - 1, file->size()));
  } else {
    range.length = file->size();
  }
  response.set_content_provider(
      range.length, type, [file, start = range.first](size_t offset, size_t length, httplib::DataSink& sink) {
        std::array<char, kChunk> buffer;
        const ssize_t n = file->read(buffer.data(), std::min(length, buffer.size()), start + offset);
        return n > 0 && sink.write(buffer.data(), static_cast<size_t>(n));
      });
}

}  // namespace svd::server
