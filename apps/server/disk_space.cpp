#include "disk_space.h"

#include <fmt/format.h>

#include <system_error>

namespace svd::server {

uint64_t DiskSpace::free_bytes() const {
  std::error_code error;
  const auto space = std::filesystem::space(folder_, error);
  return error ? UINT64_MAX : space.available;
}

std::string DiskSpace::explain() const {
  return fmt::format(
      "The disk of {} has {} MiB left, and {} are kept free (--min_free_disk). Jobs wait until there is room: delete "
      "old ones, or other files.",
      folder_.string(), free_bytes() >> 20, reserve_ >> 20);
}

}  // namespace svd::server
