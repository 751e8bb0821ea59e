// What every function that takes the path of a file relies on.
#pragma once

#include <filesystem>
#include <string_view>

namespace svd {

// Throws Error(invalid_argument) for a path that is empty or has a zero byte, after which the system would ignore the
// rest. `what` names the file's purpose: "picture".
void check_path(const std::filesystem::path& path, std::string_view what);

}  // namespace svd
