// Throwing svd::Error with a formatted message.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "svd/error.h"

namespace svd {

template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

// For conditions that only a bug in this program can violate.
template <typename... Args>
void ensure(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(ErrorCode::internal, format, std::forward<Args>(args)...);
}

}  // namespace svd
