#include "media/check_path.h"

#include "base/fail.h"

namespace svd {

void check_path(const std::filesystem::path& path, std::string_view what) {
  if (path.empty()) fail(ErrorCode::invalid_argument, "the path of the {} is empty", what);
  const size_t zero = path.native().find('\0');
  if (zero == std::string::npos) return;
  fail(ErrorCode::invalid_argument, "the path of the {} has a zero byte, after {}", what,
       path.native().substr(0, zero));
}

}  // namespace svd
