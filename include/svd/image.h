// Pictures: reading what people have, writing what browsers show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "svd/export.h"

namespace svd {

// 8-bit sRGB.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;  // [height, width, 3]

  bool operator==(const Image&) const = default;
};

// The largest picture that is read; both are checked in the header, before any pixel is decoded.
inline constexpr int kMaxImageSide = 16384;
inline constexpr int64_t kMaxImagePixels = 100'000'000;

// Reads a JPEG, PNG or WebP picture (of an animation the first frame). The content decides, not the file's name.
// Transparent pictures are laid on white, grey ones become RGB, 16-bit samples are scaled to 8, CMYK is converted
// without a colour profile, and the EXIF orientation is applied. Colour profiles are ignored, as the reference does.
// Thread-safe. Throws Error: bad_file when the file is missing, damaged, cut short or of another kind;
// invalid_argument when the picture is too large.
SVD_API Image read_image(const std::filesystem::path& path);

// Narrower limits for pictures from strangers.
struct ImageLimits {
  int side = kMaxImageSide;
  int64_t pixels = kMaxImagePixels;
};

// The same for a file in memory; `name` stands for it in messages.
SVD_API Image decode_image(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits = {});

// Quality 95, colour at full resolution.
SVD_API std::vector<std::byte> encode_jpeg(const Image& image);
SVD_API std::vector<std::byte> encode_png(const Image& image);

// The file appears complete or not at all; folders are made as needed. Throws Error(bad_file).
SVD_API void write_jpeg(const std::filesystem::path& path, const Image& image);
SVD_API void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace svd
