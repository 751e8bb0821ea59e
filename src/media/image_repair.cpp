#include "media/image_repair.h"

#include <zlib.h>

#include <cstdint>

namespace svd {
namespace {

constexpr size_t kSignature = 8, kField = 4;  // a chunk: length, name, data, checksum of name and data

uint32_t read_u32(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < kField; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

void write_u32(std::span<std::byte> bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < kField; ++i) bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

}  // namespace

std::optional<std::vector<std::byte>> with_right_checksums(std::span<const std::byte> png) {
  std::optional<std::vector<std::byte>> repaired;
  for (size_t at = kSignature; at < png.size();) {
    if (png.size() - at < 3 * kField || png.size() - at - 3 * kField < read_u32(png, at)) return std::nullopt;
    const size_t named = kField + read_u32(png, at);  // bytes that the checksum is of
    const auto* const bytes = reinterpret_cast<const Bytef*>(png.data() + at + kField);
    const auto right = static_cast<uint32_t>(crc32_z(0, bytes, named));
    at += kField + named;
    if (read_u32(png, at) != right) {
      if (!repaired) repaired.emplace(png.begin(), png.end());
      write_u32(*repaired, at, right);
    }
    at += kField;
  }
  return repaired;
}

std::vector<std::byte> with_end_marker(std::span<const std::byte> jpeg) {
  std::vector<std::byte> whole(jpeg.begin(), jpeg.end());
  whole.insert(whole.end(), {std::byte{0xFF}, std::byte{0xD9}});
  return whole;
}

}  // namespace svd
