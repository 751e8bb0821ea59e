#include "media/image_kind.h"

#include <algorithm>
#include <array>

#include "svd/image.h"

namespace svd {
namespace {

using namespace std::string_view_literals;

std::string_view text_of(std::span<const std::byte> file) {
  return {reinterpret_cast<const char*>(file.data()), file.size()};
}

bool has_at(std::string_view text, size_t at, std::string_view piece) {
  return text.size() >= at && text.substr(at).starts_with(piece);
}

// An ISO media file (pictures of phones, videos) begins with a box "ftyp" of brands.
bool has_brand(std::string_view text, std::span<const std::string_view> brands) {
  if (!has_at(text, 4, "ftyp")) return false;
  const size_t size = std::min<size_t>(static_cast<unsigned char>(text[3]), text.size());
  for (size_t at = 8; at + 4 <= size; at += 4) {
    const bool version = at == 12;  // between the main brand and the others
    if (!version && std::ranges::find(brands, text.substr(at, 4)) != brands.end()) return true;
  }
  return false;
}

constexpr std::array kAvif = {"avif"sv, "avis"sv};
constexpr std::array kHeif = {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "mif1"sv, "msf1"sv};

bool is_text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text.substr(0, 512), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 || c == '\t' || c == '\n' || c == '\r';
  });
}

struct Other {
  size_t at;
  std::string_view bytes, name;
};

constexpr Other kOthers[] = {
    {0, "BM", "a Windows bitmap (BMP)"},
    {0, "8BPS", "a Photoshop document"},
    {0, "\xFF\x0A"sv, "a JPEG XL picture"},
    {0, "\0\0\0\x0CJXL "sv, "a JPEG XL picture"},
    {0, "\0\0\0\x0CjP  "sv, "a JPEG 2000 picture"},
    {0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 picture"},
    {0, "\x76\x2F\x31\x01"sv, "an OpenEXR picture"},
    {0, "#?RADIANCE", "a Radiance HDR picture"},
    {0, "FUJIFILMCCD-RAW", "a camera's raw file"},
    {0, "\0\0\1\0"sv, "a Windows icon"},
    {0, "gimp xcf", "a GIMP document"},
    {0, "\0\5\x16\7"sv, "what macOS keeps beside a file, not a picture"},
    {0, "%PDF-", "a PDF document"},
    {4, "ftyp", "a video"},
    {4, "moov", "a video"},
    {0, "\x1A\x45\xDF\xA3"sv, "a video"},
    {8, "AVI ", "a video"},
    {8, "WAVE", "a sound file"},
    {0, "PK\x03\x04"sv, "a ZIP archive"},
    {0, "\x1F\x8B"sv, "a gzip archive"},
    {0, "version https://git-lfs", "a Git LFS pointer (fetch the file itself with `git lfs pull`)"},
};

}  // namespace

ImageKind image_kind(std::span<const std::byte> file) {
  const std::string_view text = text_of(file);
  if (text.starts_with("\xFF\xD8\xFF")) return ImageKind::jpeg;
  if (text.starts_with("\x89PNG\r\n\x1A\n")) return ImageKind::png;
  if (text.starts_with("RIFF") && has_at(text, 8, "WEBP")) return ImageKind::webp;
  if (text.starts_with("GIF87a") || text.starts_with("GIF89a")) return ImageKind::gif;
  // A raw file of Canon's is a TIFF with its name behind the header; what vips would read of it is a thumbnail.
  const bool raw = has_at(text, 8, "CR\2");
  if (!raw && (text.starts_with("II*\0"sv) || text.starts_with("MM\0*"sv))) return ImageKind::tiff;
  if (has_brand(text, kAvif)) return ImageKind::avif;
  if (has_brand(text, kHeif)) return ImageKind::heif;
  return ImageKind::other;
}

std::string_view name_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::jpeg: return "a JPEG picture";
    case ImageKind::png: return "a PNG picture";
    case ImageKind::webp: return "a WebP picture";
    case ImageKind::heif: return "a HEIC picture";
    case ImageKind::avif: return "an AVIF picture";
    case ImageKind::gif: return "a GIF picture";
    case ImageKind::tiff: return "a TIFF picture";
    case ImageKind::other: break;
  }
  return {};
}

ImageSniff sniff_image(std::span<const std::byte> beginning) {
  const ImageKind kind = image_kind(beginning);
  if (kind == ImageKind::other) return {.readable = false, .kind = describe_other(beginning)};
  return {.readable = true, .kind = name_of(kind)};
}

std::string_view describe_other(std::span<const std::byte> file) {
  const std::string_view text = text_of(file);
  for (const Other& other : kOthers) {
    if (has_at(text, other.at, other.bytes)) return other.name;
  }
  if (has_at(text, 8, "CR\2")) return "a camera's raw file";
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || !is_text(text)) return {};
  const std::string_view first = text.substr(begin);
  if (first.starts_with("<svg") || text.substr(0, 512).find("<svg") != std::string_view::npos) return "an SVG drawing";
  return first.starts_with("<") ? "a web page; the download failed or needed a login" : "a text";
}

}  // namespace svd
