#include "svd/version.h"

namespace svd {

std::string_view version() noexcept { return SVD_VERSION_STRING; }

std::string_view build_info() noexcept { return SVD_BUILD_INFO; }

}  // namespace svd
