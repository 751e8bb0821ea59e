// The header of a safetensors file: parsing and every check that it describes the file it stands in.
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
  std::string type;  // as the file writes it: "F32", "I64", ...
  Shape shape;
  uint64_t begin = 0;  // of its bytes, from the start of the file
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry, std::less<>> tensors;
  std::map<std::string, std::string> metadata;
};

// Reads the header of a whole file's bytes. What it returns lies inside the file, in pieces that do not overlap.
// `path` is for messages. Throws Error(bad_file).
SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view path);

// The element type of this program for a type name of the format; none for those it does not compute with.
std::optional<DType> dtype_of_safetensors(std::string_view type);
std::string_view safetensors_name_of(DType type);  // "F32", ...

// A name from a file as messages show it: quoted, on one line, cut when very long.
std::string quoted_name(std::string_view name);

}  // namespace svd
