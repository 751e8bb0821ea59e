// Pictures: reading what people have, writing what browsers show. Every function here is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "svd/export.h"

namespace svd {

// A picture in 8-bit sRGB. Whoever takes one throws Error(invalid_argument) unless each side is 1 to kMaxImageSide
// pixels and `rgb` has width * height * 3 bytes.
struct Image {
  int width = 0;             // pixels
  int height = 0;            // pixels
  std::vector<uint8_t> rgb;  // [height, width, 3]

  bool operator==(const Image&) const = default;
};

// The largest picture that is read; both are checked in the header, before any pixel is decoded.
inline constexpr int kMaxImageSide = 16384;              // pixels
inline constexpr int64_t kMaxImagePixels = 100'000'000;  // width * height

// Reads a JPEG, PNG or WebP picture (of an animation the first frame). The content decides, not the file's name.
// Transparent pictures are laid on white, grey ones become RGB, 16-bit samples are scaled to 8, CMYK is converted
// without a colour profile, and the EXIF orientation is applied. Colour profiles are ignored, as the reference does.
// Throws Error: bad_file when the file is missing, damaged, cut short or of another kind; invalid_argument when the
// picture or the file (512 MiB) is too large or the path is empty; out_of_memory.
SVD_API Image read_image(const std::filesystem::path& path);

// Narrower limits for pictures from strangers. Each is at least 1; above the largest picture that is read, that holds.
struct ImageLimits {
  int side = kMaxImageSide;          // pixels
  int64_t pixels = kMaxImagePixels;  // width * height
};

// The same for a file in memory, borrowed during the call; `name` stands for it in messages.
SVD_API Image decode_image(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits = {});

// The bytes of a JPEG file (quality 95, colour at full resolution) or a PNG file. Throws Error: invalid_argument for a
// picture that is none, out_of_memory.
SVD_API std::vector<std::byte> encode_jpeg(const Image& image);
SVD_API std::vector<std::byte> encode_png(const Image& image);

// The same into a file, which appears complete or not at all, in place of an older one; folders are made as needed.
// Throws also Error: bad_file when the file cannot be written, invalid_argument when the path is empty.
SVD_API void write_jpeg(const std::filesystem::path& path, const Image& image);
SVD_API void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace svd
