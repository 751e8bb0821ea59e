// Picture files. vips opens exactly the three formats that are wanted, by their own loaders: its sniffing one would
// hand an upload to ImageMagick, PDF and others.
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/atomic_file.h"
#include "base/fail.h"
#include "base/translate.h"
#include "media/check_image.h"
#include "media/check_path.h"
#include "media/vips.h"
#include "svd/image.h"

namespace svd {
namespace {

constexpr uintmax_t kMaxFileBytes = uintmax_t{512} << 20;
constexpr int kStripRows = 16;

enum class Format { jpeg, png, webp, other };

Format format_of(std::span<const std::byte> file) {
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), std::min<size_t>(file.size(), 12));
  if (bytes.starts_with("\xFF\xD8\xFF")) return Format::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return Format::png;
  if (bytes.starts_with("RIFF") && bytes.size() == 12 && bytes.ends_with("WEBP")) return Format::webp;
  return Format::other;
}

// Reads the header; pixels follow as they are asked for, from top to bottom.
VipsImagePtr open_image(std::span<const std::byte> file, std::string_view name) {
  const auto load = [&](auto* loader) -> VipsImagePtr {
    VipsImage* image = nullptr;
    void* const data = const_cast<std::byte*>(file.data());  // the C interface knows no const; it only reads
    if (loader(data, file.size(), &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED,
               nullptr) != 0) {
      fail(ErrorCode::bad_file, "{}: the picture is damaged or cut short: {}", name, take_vips_error());
    }
    return VipsImagePtr(image);
  };
  switch (format_of(file)) {
    case Format::jpeg: return load(vips_jpegload_buffer);
    case Format::png: return load(vips_pngload_buffer);
    case Format::webp: return load(vips_webpload_buffer);
    case Format::other: break;
  }
  fail(ErrorCode::bad_file, "{}: not a JPEG, PNG or WebP picture, the kinds that can be read", name);
}

void check_limits(const ImageLimits& limits) {
  if (limits.side >= 1 && limits.pixels >= 1) return;
  fail(ErrorCode::invalid_argument, "limits of a picture: expected 1 or more, found a side of {} and {} pixels",
       limits.side, limits.pixels);
}

void check_header(VipsImage* image, std::string_view name, const ImageLimits& limits) {
  const int64_t width = vips_image_get_width(image), height = vips_image_get_height(image);
  const int64_t most_side = std::min(limits.side, kMaxImageSide);
  const int64_t most_pixels = std::min(limits.pixels, kMaxImagePixels);
  if (width > most_side || height > most_side || width * height > most_pixels) {
    constexpr int64_t kMillion = 1'000'000;
    const std::string most =
        most_pixels % kMillion == 0 ? fmt::format("{} million", most_pixels / kMillion) : std::to_string(most_pixels);
    fail(ErrorCode::invalid_argument,
         "{}: the picture has {}x{} pixels; at most {} per side and {} in all can be read, make it smaller", name,
         width, height, most_side, most);
  }
  const auto format = vips_image_get_format(image);
  const int bands = vips_image_get_bands(image);
  if ((format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_USHORT) || bands < 1 || bands > 4) {
    fail(ErrorCode::bad_file, "{}: pixels of {} channels in vips format {} are not known here", name, bands,
         static_cast<int>(format));
  }
}

// Where pixel (x, y) of the file goes in the upright picture, as offsets in pixels.
struct Placement {
  int width, height;  // upright
  ptrdiff_t origin, step_x, step_y;
};

// EXIF orientation: 2, 3, 7 and 8 count columns from the right, 3, 4, 6 and 7 rows from the bottom, and in 5 to 8
// the file's rows are the picture's columns.
Placement placement(int width, int height, int orientation) {
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool swapped = orientation >= 5 && orientation <= 8;
  Placement p{swapped ? height : width, swapped ? width : height, 0, swapped ? height : 1, swapped ? 1 : width};
  if (mirror_x) p.origin += (width - 1) * p.step_x, p.step_x = -p.step_x;
  if (mirror_y) p.origin += (height - 1) * p.step_y, p.step_y = -p.step_y;
  return p;
}

template <typename Sample>
constexpr uint64_t kWhite = static_cast<Sample>(-1);

template <typename Sample>
uint64_t product(uint64_t a, uint64_t b) {  // of two numbers that stand for [0, 1]
  return (a * b + kWhite<Sample> / 2) / kWhite<Sample>;
}

template <typename Sample>
uint8_t to_8_bits(uint64_t v) {
  return static_cast<uint8_t>((v * 255 + kWhite<Sample> / 2) / kWhite<Sample>);
}

template <typename Sample>
void convert_pixel(const Sample* in, int bands, bool cmyk, uint8_t* out) {
  const bool has_alpha = !cmyk && bands % 2 == 0;
  const uint64_t alpha = has_alpha ? in[bands - 1] : kWhite<Sample>;
  for (int c = 0; c < 3; ++c) {
    uint64_t v = bands < 3 ? in[0] : in[c];
    if (cmyk) v = product<Sample>(kWhite<Sample> - in[c], kWhite<Sample> - in[3]);
    if (has_alpha) v = product<Sample>(v, alpha) + (kWhite<Sample> - alpha);
    out[c] = to_8_bits<Sample>(std::min(v, kWhite<Sample>));
  }
}

template <typename Sample>
void convert_row(const void* row, const Placement& place, int y, VipsImage* image, Image& out) {
  const bool cmyk = vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
  const int bands = vips_image_get_bands(image), width = vips_image_get_width(image);
  const auto* in = static_cast<const Sample*>(row);
  for (int x = 0; x < width; ++x) {
    convert_pixel(in + static_cast<ptrdiff_t>(x) * bands, bands, cmyk,
                  out.rgb.data() + 3 * (place.origin + x * place.step_x + y * place.step_y));
  }
}

std::vector<std::byte> read_whole_file(const std::filesystem::path& path) {
  check_path(path, "picture");
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    fail(ErrorCode::bad_file, "{}: is a folder, expected a picture file", path.string());
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(ErrorCode::bad_file, "{}: cannot be opened: {}", path.string(), std::strerror(errno));
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail(ErrorCode::bad_file, "{}: cannot be read: {}", path.string(), error.message());
  if (size > kMaxFileBytes) {
    fail(ErrorCode::invalid_argument, "{}: {} MiB are too much for a picture file; at most {} MiB are read",
         path.string(), size >> 20, kMaxFileBytes >> 20);
  }
  std::vector<std::byte> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<uintmax_t>(stream.gcount()) != size) {
    fail(ErrorCode::bad_file, "{}: cannot be read to its end", path.string());
  }
  return bytes;
}

void write_whole_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  check_path(path, "picture");
  AtomicFile file(path);
  std::ofstream stream(file.temporary(), std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) fail(ErrorCode::bad_file, "{}: cannot be written: {}", path.string(), std::strerror(errno));
  file.commit();
}

VipsImagePtr wrap(const Image& image) {
  check_image(image);
  start_vips();
  VipsImagePtr wrapped(
      vips_image_new_from_memory(image.rgb.data(), image.rgb.size(), image.width, image.height, 3, VIPS_FORMAT_UCHAR));
  if (!wrapped) fail(ErrorCode::internal, "a picture cannot be encoded: {}", take_vips_error());
  wrapped->Type = VIPS_INTERPRETATION_sRGB;
  return wrapped;
}

std::vector<std::byte> take_buffer(int status, void* buffer, size_t size) {
  if (status != 0) fail(ErrorCode::internal, "a picture cannot be encoded: {}", take_vips_error());
  const std::unique_ptr<void, decltype(&g_free)> owner(buffer, g_free);
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  std::vector<std::byte> file(bytes, bytes + size);
  return file;
}

Image decode(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits) {
  check_limits(limits);
  if (file.empty()) fail(ErrorCode::bad_file, "{}: the file is empty, expected a JPEG, PNG or WebP picture", name);
  start_vips();
  const VipsImagePtr source = open_image(file, name);
  check_header(source.get(), name, limits);

  const int width = vips_image_get_width(source.get()), height = vips_image_get_height(source.get());
  const Placement place = placement(width, height, vips_image_get_orientation(source.get()));
  Image image{place.width, place.height, std::vector<uint8_t>(size_t{3} * width * height)};
  const VipsRegionPtr region(vips_region_new(source.get()));
  if (!region) fail(ErrorCode::out_of_memory, "{}: no memory for reading the picture", name);
  const auto convert =
      vips_image_get_format(source.get()) == VIPS_FORMAT_UCHAR ? convert_row<uint8_t> : convert_row<uint16_t>;
  for (int top = 0; top < height; top += kStripRows) {
    const VipsRect strip{0, top, width, std::min(kStripRows, height - top)};
    if (vips_region_prepare(region.get(), &strip) != 0) {
      fail(ErrorCode::bad_file, "{}: the picture is damaged or cut short: {}", name, take_vips_error());
    }
    for (int y = top; y < top + strip.height; ++y) {
      convert(VIPS_REGION_ADDR(region.get(), 0, y), place, y, source.get(), image);
    }
  }
  return image;
}

}  // namespace

Image read_image(const std::filesystem::path& path) {
  return translated([&] { return decode_image(read_whole_file(path), path.string()); });
}

Image decode_image(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits) {
  return translated([&] { return decode(file, name, limits); });
}

std::vector<std::byte> encode_jpeg(const Image& image) {
  return translated([&] {
    const VipsImagePtr source = wrap(image);
    void* buffer = nullptr;
    size_t size = 0;
    const int status = vips_jpegsave_buffer(source.get(), &buffer, &size, "Q", 95, "subsample_mode",
                                            VIPS_FOREIGN_SUBSAMPLE_OFF, "strip", TRUE, nullptr);
    return take_buffer(status, buffer, size);
  });
}

std::vector<std::byte> encode_png(const Image& image) {
  return translated([&] {
    const VipsImagePtr source = wrap(image);
    void* buffer = nullptr;
    size_t size = 0;
    const int status = vips_pngsave_buffer(source.get(), &buffer, &size, "strip", TRUE, nullptr);
    return take_buffer(status, buffer, size);
  });
}

void write_jpeg(const std::filesystem::path& path, const Image& image) {
  translated([&] { write_whole_file(path, encode_jpeg(image)); });
}

void write_png(const std::filesystem::path& path, const Image& image) {
  translated([&] { write_whole_file(path, encode_png(image)); });
}

}  // namespace svd
