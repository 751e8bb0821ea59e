// Pictures: reading what people have, writing what browsers show. Every function here is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
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

// What becomes of a picture whose file says, by a colour profile, that its numbers are not sRGB.
enum class ColorPolicy {
  convert,  // to sRGB: the colours that viewers show
  ignore,   // the numbers are taken for sRGB, as the reference does
};

struct ImageReading {
  ColorPolicy color = ColorPolicy::convert;
  // Told, in a sentence without the picture's name, what is wrong with a picture that is read all the same.
  std::function<void(std::string_view)> on_warning = {};
};

// Reads a JPEG, PNG, WebP, HEIC, AVIF, TIFF or GIF picture (of several in a file the first). These are the formats for
// which libvips trusts its libraries with files from strangers; the content decides, not the file's name.
// Transparent pictures are laid on white, grey ones become RGB, 16-bit samples are scaled to 8, CMYK is converted by
// its colour profile, or simply where it has none, and the EXIF orientation is applied. What every viewer shows is
// read, with a warning: a JPEG without its end marker or with damaged data, a PNG with wrong checksums. A file that is
// cut within its pixels is refused: a part of the picture would be missing, grey, and the video would be made of that.
// Thread-safe. Throws Error: bad_file when the file is missing, damaged, cut short or of another kind;
// invalid_argument when the picture or the file (512 MiB) is too large or the path is empty; out_of_memory.
SVD_API Image read_image(const std::filesystem::path& path, const ImageReading& reading = {});

// Narrower limits for pictures from strangers. Each is at least 1; above the largest picture that is read, that holds.
struct ImageLimits {
  int side = kMaxImageSide;          // pixels
  int64_t pixels = kMaxImagePixels;  // width * height
};

// The same for a file in memory, borrowed during the call; `name` stands for it in messages.
SVD_API Image decode_image(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits = {},
                           const ImageReading& reading = {});

// What can be said of a file by its first bytes; 4096 are enough.
struct ImageSniff {
  bool readable = false;  // of a kind that read_image() reads
  std::string_view kind;  // "a JPEG picture", "a text", ...; empty when unknown
};
SVD_API ImageSniff sniff_image(std::span<const std::byte> beginning);

// The bytes of a JPEG file (quality 95, colour at full resolution) or a PNG file. Throws Error: invalid_argument for a
// picture that is none, out_of_memory.
SVD_API std::vector<std::byte> encode_jpeg(const Image& image);
SVD_API std::vector<std::byte> encode_png(const Image& image);

// The same into a file, which appears complete or not at all, in place of an older one; folders are made as needed.
// Throws also Error: bad_file when the file cannot be written, invalid_argument when the path is empty.
SVD_API void write_jpeg(const std::filesystem::path& path, const Image& image);
SVD_API void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace svd
