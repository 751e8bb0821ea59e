// The header of a safetensors file: parsing it, and checking that it describes the file it belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tensor/tensor.h"

namespace svd {

struct SafetensorsEntry {
  std::string type;  // as the file spells it: "F32", "I64", ...
  Shape shape;
  uint64_t begin = 0, end = 0;  // where its bytes are, from the start of the file
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry, std::less<>> tensors;
  std::map<std::string, std::string> metadata;
};

// Parses the header of a file, given whole. Every entry returned lies inside the file, and no two overlap. `path` is
// for messages. Throws Error(bad_file).
SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view path);

// The element type for one of the format's type names; none if it is not supported.
std::optional<DType> dtype_of_safetensors(std::string_view type);
std::string_view safetensors_name_of(DType type);  // "F32", ...

// A name from a file, made safe for a message: quoted, on one line, truncated if very long.
std::string quoted_name(std::string_view name);

}  // namespace svd
