// A file as the answer: whole, a part of it, or that the client has it already.
#pragma once

#include <httplib.h>

#include <filesystem>
#include <memory>
#include <string>

namespace svd::server {

// An open file, which stays readable when its name is deleted meanwhile.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path);  // throws ApiError 404
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();

  uint64_t size() const { return size_; }
  const std::string& tag() const { return tag_; }            // for ETag
  const std::string& modified() const { return modified_; }  // for Last-Modified
  ssize_t read(char* data, size_t size, uint64_t offset) const;

 private:
  int descriptor_;
  uint64_t size_ = 0;
  std::string tag_, modified_;
};

// Range, If-Range, If-None-Match and If-Modified-Since as in RFC 9110.
void send_file(const httplib::Request& request, httplib::Response& response, const std::filesystem::path& path,
               const std::string& type);

}  // namespace svd::server
