// Room on the disk that jobs are kept on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace svd::server {

// Thread-safe.
class DiskSpace {
 public:
  // Of the file system that holds `folder`; `reserve` bytes of it are not for jobs.
  DiskSpace(std::filesystem::path folder, uint64_t reserve) : folder_(std::move(folder)), reserve_(reserve) {}

  // What users other than root can still write; UINT64_MAX when the system does not say.
  uint64_t free_bytes() const;
  uint64_t reserve() const { return reserve_; }
  bool has_room() const { return free_bytes() >= reserve_; }
  std::string explain() const;  // for when there is none

 private:
  std::filesystem::path folder_;
  uint64_t reserve_;
};

}  // namespace svd::server
