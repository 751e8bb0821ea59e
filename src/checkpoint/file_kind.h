// What a file that is not in the expected format probably is.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace svd {

// What a file that is not a safetensors file probably is, and what to do about it; empty if unknown.
// Judges by the first bytes. Thread-safe.
std::string_view guess_kind(std::span<const std::byte> file);

}  // namespace svd
