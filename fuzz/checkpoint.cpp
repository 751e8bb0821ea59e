// Checkpoints: the bytes of a whole safetensors file. What is accepted must lie in the file, in pieces that follow on
// one another; anything but svd::Error is a bug.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>

#include "checkpoint/safetensors_header.h"
#include "svd/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const svd::SafetensorsHeader header = svd::parse_safetensors(std::as_bytes(std::span(data, size)), "fuzz");
    std::map<uint64_t, uint64_t> pieces;  // begin -> end; empty tensors have no bytes that others could want
    uint64_t first = size;
    for (const auto& [name, entry] : header.tensors) {
      if (entry.begin > entry.end || entry.end > size) std::abort();
      first = std::min(first, entry.begin);
      if (entry.begin != entry.end && !pieces.emplace(entry.begin, entry.end).second) std::abort();
      const auto type = svd::dtype_of_safetensors(entry.type);
      if (type && entry.end - entry.begin != static_cast<uint64_t>(entry.shape.numel()) * svd::size_of(*type)) {
        std::abort();
      }
      if (svd::quoted_name(name).find_first_of("\n\r") != std::string::npos) std::abort();
    }
    for (const auto& [begin, end] : pieces) {
      if (begin != first) std::abort();
      first = end;
    }
    if (!pieces.empty() && first != size) std::abort();
  } catch (const svd::Error& error) {
    if (error.code() != svd::ErrorCode::bad_file) std::abort();
  }
  return 0;
}
