// Picture files. vips opens exactly the formats that are wanted, by their own loaders: its sniffing one would hand an
// upload to ImageMagick, PDF and others.
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/atomic_file.h"
#include "base/fail.h"
#include "base/translate.h"
#include "media/check_image.h"
#include "media/check_path.h"
#include "media/color_profile.h"
#include "media/image_kind.h"
#include "media/image_pixels.h"
#include "media/image_repair.h"
#include "media/vips.h"
#include "svd/image.h"

namespace svd {
namespace {

constexpr uintmax_t kMaxFileBytes = uintmax_t{512} << 20;
constexpr int kStripRows = 16;

constexpr std::string_view kReadable = "JPEG, PNG, WebP, HEIC, AVIF, TIFF and GIF pictures can be read";

// What stands in the file cannot be decoded.
struct Damage {
  std::string why;
};

struct Source {
  std::span<const std::byte> file;
  ImageKind kind;
  std::string_view name;
  const ImageLimits& limits;
  const ImageReading& reading;

  void warn(std::string_view sentence) const {
    if (reading.on_warning) reading.on_warning(sentence);
  }
};

// Reads the header; pixels follow as they are asked for, from top to bottom. Throws Damage.
VipsImagePtr open_image(const Source& source, VipsFailOn fail_on) {
  const auto load = [&](auto* loader) -> VipsImagePtr {
    VipsImage* picture = nullptr;
    void* const data = const_cast<std::byte*>(source.file.data());  // the C interface knows no const; it only reads
    vips_error_clear();                                             // loaders leave words there even when all is well
    if (loader(data, source.file.size(), &picture, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, nullptr) !=
        0) {
      throw Damage{take_vips_error()};
    }
    return VipsImagePtr(picture);
  };
  switch (source.kind) {
    case ImageKind::jpeg: return load(vips_jpegload_buffer);
    case ImageKind::png: return load(vips_pngload_buffer);
    case ImageKind::webp: return load(vips_webpload_buffer);
    case ImageKind::heif:
    case ImageKind::avif: return load(vips_heifload_buffer);
    case ImageKind::gif: return load(vips_gifload_buffer);
    case ImageKind::tiff: return load(vips_tiffload_buffer);
    case ImageKind::other: break;
  }
  const std::string_view kind = describe_other(source.file);
  fail(ErrorCode::bad_file, "{}: it is {}; {}, so save it as one of these, as PNG for instance", source.name,
       kind.empty() ? "no picture of a known kind" : kind, kReadable);
}

bool is_known_color(VipsInterpretation interpretation) {
  switch (interpretation) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_CMYK: return true;
    default: return false;
  }
}

void check_limits(const ImageLimits& limits) {
  if (limits.side >= 1 && limits.pixels >= 1) return;
  fail(ErrorCode::invalid_argument, "limits of a picture: expected 1 or more, found a side of {} and {} pixels",
       limits.side, limits.pixels);
}

void check_header(VipsImage* picture, std::string_view name, const ImageLimits& limits) {
  const int64_t width = vips_image_get_width(picture), height = vips_image_get_height(picture);
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
  const auto format = vips_image_get_format(picture);
  const int bands = vips_image_get_bands(picture);
  const bool known = is_known_color(vips_image_get_interpretation(picture));
  if ((format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_USHORT) || bands < 1 || bands > 4 || !known) {
    fail(ErrorCode::bad_file,
         "{}: a picture of {} channels whose samples are {} in the colour space {}; expected grey, RGB or CMYK of 8 or "
         "16 "
         "bits, so save it as PNG",
         name, bands, vips_enum_nick(VIPS_TYPE_BAND_FORMAT, format),
         vips_enum_nick(VIPS_TYPE_INTERPRETATION, vips_image_get_interpretation(picture)));
  }
}

// The pixels, upright. Throws Damage.
Image read_pixels(VipsImage* picture, const Placement& place) {
  const int width = vips_image_get_width(picture), height = vips_image_get_height(picture);
  Image image{place.width, place.height, std::vector<uint8_t>(size_t{3} * width * height)};
  const VipsRegionPtr region(vips_region_new(picture));
  const auto convert =
      vips_image_get_format(picture) == VIPS_FORMAT_UCHAR ? convert_row<uint8_t> : convert_row<uint16_t>;
  for (int top = 0; top < height; top += kStripRows) {
    const VipsRect strip{0, top, width, std::min(kStripRows, height - top)};
    if (vips_region_prepare(region.get(), &strip) != 0) throw Damage{take_vips_error()};
    for (int y = top; y < top + strip.height; ++y) {
      convert(VIPS_REGION_ADDR(region.get(), 0, y), place, y, picture, image);
    }
  }
  return image;
}

Image decode(const Source& source, VipsFailOn fail_on) {
  VipsImagePtr picture = open_image(source, fail_on);
  check_header(picture.get(), source.name, source.limits);
  const Placement place = placement(vips_image_get_width(picture.get()), vips_image_get_height(picture.get()),
                                    vips_image_get_orientation(picture.get()));
  std::string failure;
  if (source.reading.color == ColorPolicy::convert) picture = in_srgb(std::move(picture), failure);
  Image image = read_pixels(picture.get(), place);
  if (!failure.empty()) source.warn("its colour profile cannot be used, the colours are taken for sRGB: " + failure);
  return image;
}

// libjpeg says the same of a file without an end marker and of one cut anywhere before. With a marker put behind its
// end, only the second still lacks something.
Image decode_jpeg(const Source& source) {
  std::string why;
  try {
    return decode(source, VIPS_FAIL_ON_WARNING);
  } catch (const Damage& damage) {
    why = damage.why;
  }
  try {
    Source whole = source;
    const std::vector<std::byte> bytes = with_end_marker(source.file);
    whole.file = bytes;
    Image image = decode(whole, VIPS_FAIL_ON_WARNING);
    // vips looks for warnings before each piece it reads, so of one in the last piece there is only the text.
    const std::string late = take_vips_error();
    if (late.find("premature end") != std::string::npos) throw Damage{late};
    source.warn("the JPEG file has no end marker; read all the same");
    return image;
  } catch (const Damage&) {
  }
  Image image = decode(source, VIPS_FAIL_ON_TRUNCATED);
  source.warn("the JPEG file is damaged, and parts of the picture may be wrong: " + why);
  return image;
}

Image decode_png(const Source& source) {
  const auto repaired = with_right_checksums(source.file);
  if (!repaired) return decode(source, VIPS_FAIL_ON_TRUNCATED);
  Source right = source;
  right.file = *repaired;
  Image image = decode(right, VIPS_FAIL_ON_TRUNCATED);
  source.warn("checksums in the PNG file are wrong, and parts of the picture may be");
  return image;
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
  VipsImagePtr picture(
      vips_image_new_from_memory(image.rgb.data(), image.rgb.size(), image.width, image.height, 3, VIPS_FORMAT_UCHAR));
  if (!picture) fail(ErrorCode::internal, "a picture cannot be encoded: {}", take_vips_error());
  picture->Type = VIPS_INTERPRETATION_sRGB;
  return picture;
}

std::vector<std::byte> take_buffer(int status, void* buffer, size_t size) {
  if (status != 0) fail(ErrorCode::internal, "a picture cannot be encoded: {}", take_vips_error());
  const std::unique_ptr<void, decltype(&g_free)> owner(buffer, g_free);
  const auto* const bytes = static_cast<const std::byte*>(buffer);
  return std::vector<std::byte>(bytes, bytes + size);
}

Image decode_any(const Source& source) {
  try {
    if (source.kind == ImageKind::jpeg) return decode_jpeg(source);
    if (source.kind == ImageKind::png) return decode_png(source);
    return decode(source, VIPS_FAIL_ON_TRUNCATED);
  } catch (const Damage& damage) {
    fail(ErrorCode::bad_file, "{}: the picture is damaged or cut short ({}): {}", source.name, name_of(source.kind),
         damage.why);
  }
}

}  // namespace

Image read_image(const std::filesystem::path& path, const ImageReading& reading) {
  return translated([&] { return decode_image(read_whole_file(path), path.string(), {}, reading); });
}

Image decode_image(std::span<const std::byte> file, std::string_view name, const ImageLimits& limits,
                   const ImageReading& reading) {
  return translated([&] {
    check_limits(limits);
    if (file.empty()) fail(ErrorCode::bad_file, "{}: the file is empty; {}", name, kReadable);
    start_vips();
    const ImageReading guarded{.color = reading.color, .on_warning = passing_exceptions(reading.on_warning)};
    return decode_any({file, image_kind(file), name, limits, guarded});
  });
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
