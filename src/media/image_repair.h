// Pictures with small damage, which every viewer shows.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace svd {

// A PNG file whose chunks are all there, with their checksums set right; nothing when they are right already, or when
// the file is cut.
std::optional<std::vector<std::byte>> with_right_checksums(std::span<const std::byte> png);

// A JPEG file with an end marker behind its last byte.
std::vector<std::byte> with_end_marker(std::span<const std::byte> jpeg);

}  // namespace svd
