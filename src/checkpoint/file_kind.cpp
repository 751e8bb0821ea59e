#include "checkpoint/file_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors_header.h"

namespace svd {
namespace {

constexpr size_t kLookedAt = 4096;        // bytes that must be text for a file to be one
constexpr size_t kLargestReply = 65'536;  // of a JSON error that is parsed
constexpr size_t kQuoted = 180;           // bytes of a text that are shown

using namespace std::string_view_literals;

constexpr std::string_view kArchive = "it is {} archive; unpack it and use the .safetensors file inside";
constexpr std::string_view kOtherWeights = "it is {}; use the .safetensors file of the same model";
constexpr std::string_view kMedia = "it is {}, not a model; a picture is given with --input_path";

struct Kind {
  size_t at;                 // where the signature stands
  std::string_view bytes;    // the signature
  std::string_view name;     // of the kind
  std::string_view message;  // with a place for the name
};

constexpr Kind kKinds[] = {
    {0, "\x1F\x8B"sv, "a gzip", kArchive},
    {0, "\x28\xB5\x2F\xFD"sv, "a zstd", kArchive},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "an xz", kArchive},
    {0, "BZh"sv, "a bzip2", kArchive},
    {0, "7z\xBC\xAF\x27\x1C"sv, "a 7z", kArchive},
    {0, "Rar!\x1A\x07"sv, "a RAR", kArchive},
    {257, "ustar"sv, "a tar", kArchive},
    {0, "PK\x03\x04"sv, "a ZIP", kArchive},
    {0, "GGUF"sv, "a GGUF file", kOtherWeights},
    {0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file (.h5)", kOtherWeights},
    {0, "\x93NUMPY"sv, "a NumPy array (.npy)", kOtherWeights},
    {0, "\xFF\xD8\xFF"sv, "a JPEG picture", kMedia},
    {0, "\x89PNG\r\n\x1A\n"sv, "a PNG picture", kMedia},
    {0, "GIF8"sv, "a GIF picture", kMedia},
    {8, "WEBP"sv, "a WebP picture", kMedia},
    {8, "AVI "sv, "an AVI video", kMedia},
    {8, "WAVE"sv, "a sound file (WAV)", kMedia},
    {4, "ftypheic"sv, "a HEIC picture", kMedia},
    {4, "ftypmif1"sv, "a HEIF picture", kMedia},
    {4, "ftypavif"sv, "an AVIF picture", kMedia},
    {4, "ftyp"sv, "a video (MP4 or QuickTime)", kMedia},
    {0, "\x1A\x45\xDF\xA3"sv, "a video (WebM or Matroska)", kMedia},
    {0, "%PDF-"sv, "a PDF document", "it is {}, not a model; download the model itself"},
    {0,
     "\x7F"
     "ELF"sv,
     "a program", "it is {}, not a model; download the model itself"},
    {0, "\0\5\x16\7"sv, "a file that macOS keeps beside the real one",
     "it is {}; use the file whose name lacks the leading ._"},
};

bool has_at(std::string_view text, size_t at, std::string_view piece) {
  return text.size() >= at && text.substr(at).starts_with(piece);
}

// A pickle, bare or in the ZIP archive that PyTorch makes of it, whose first file is NAME/data.pkl.
bool is_pickle(std::string_view text) {
  if (text.starts_with("PK\x03\x04")) return text.substr(0, kLookedAt).find("data.pkl") != std::string_view::npos;
  return text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
}

// Length of the UTF-8 character that begins there; 0 when none does. Only as strict as telling text from data needs.
size_t character_at(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' || lead == 0x1B ? 1 : 0;
  const size_t length = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead >= 0xF5) return 0;
  for (size_t i = at + 1; i < std::min(at + length, text.size()); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_text(std::string_view text) {
  text = text.substr(0, kLookedAt);
  for (size_t at = 0; at < text.size();) {
    const size_t length = character_at(text, at);
    if (length == 0) return false;
    at += length;
  }
  return !text.empty();
}

// The first line, quoted; cut between characters.
std::string first_line(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  size_t end = 0;
  while (end < line.size()) {
    const size_t length = std::max<size_t>(1, character_at(line, end));
    if (end + length > std::min(line.size(), kQuoted)) break;
    end += length;
  }
  std::string quoted = quoted_name(line.substr(0, end));
  if (end < line.size()) quoted.insert(quoted.size() - 1, "...");
  return quoted;
}

// {"error": "..."} and its relatives, as servers answer; an index of shards is JSON too.
std::string json_kind(std::string_view text) {
  if (text.find("\"weight_map\"") != std::string_view::npos) {
    return "it is the index of a checkpoint that was split into several files, a JSON file; this program needs the "
           "checkpoint as one .safetensors file";
  }
  const auto json = text.size() <= kLargestReply ? nlohmann::json::parse(text, nullptr, false) : nlohmann::json();
  for (const char* key : {"error", "message", "detail", "error_description"}) {
    if (!json.is_object() || !json.contains(key)) continue;
    const nlohmann::json* said = &json[key];
    if (said->is_object() && said->contains("message")) said = &(*said)["message"];
    if (!said->is_string()) continue;
    return fmt::format("it is a server's answer in JSON, not a model: {}; the download failed; download it again",
                       first_line(said->get_ref<const std::string&>()));
  }
  return fmt::format("it is a JSON file, not a model ({}); use the .safetensors file", first_line(text));
}

std::string html_kind(std::string_view text) {
  std::string title;
  const size_t begin = text.substr(0, kLargestReply).find("<title>");
  if (begin != std::string_view::npos) {
    const std::string_view rest = text.substr(begin + 7, kLargestReply);
    title = fmt::format(" with the title {}", first_line(rest.substr(0, rest.find('<'))));
  }
  return fmt::format(
      "it is an HTML or XML page{}, not a model; the download failed or needed a login; download it again", title);
}

std::string text_kind(std::string_view text) {
  if (text.starts_with("version https://git-lfs")) {
    return "it is a Git LFS pointer, a short text in place of the model; fetch the model with `git lfs pull`";
  }
  if (text.starts_with("<")) return html_kind(text);
  if (text.starts_with("{")) return json_kind(text);
  if (!is_text(text)) return {};
  return fmt::format(
      "it is a text file, not a model; it begins with {}. If a server sent it instead of the model, do what it says "
      "(log in, accept the licence) and download the file again",
      first_line(text));
}

bool is_number_of(std::string_view text, size_t digits, int& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return text.size() == digits && result.ec == std::errc() && result.ptr == text.data() + text.size();
}

}  // namespace

std::string guess_kind(std::span<const std::byte> file) {
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (is_pickle(text)) {
    return "it is a PyTorch pickle (.ckpt, .pt, .pth, .bin), which this program does not read; "
           "use the .safetensors file of the same model";
  }
  for (const Kind& kind : kKinds) {
    if (has_at(text, kind.at, kind.bytes)) return fmt::format(fmt::runtime(kind.message), kind.name);
  }
  if (text.size() >= 16 && text.substr(0, kLookedAt).find_first_not_of('\0') == std::string_view::npos) {
    return "it begins with zeros, as a file does whose space was reserved and whose download did not begin; download "
           "it "
           "again";
  }
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    return text.size() > 3 && (text[2] == '\0' || text[3] == '\0') ? "it is a text file in UTF-16, not a model" : "";
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string() : text_kind(text.substr(begin));
}

std::optional<Shard> shard_of(std::string_view file_name) {
  constexpr size_t kDigits = 5;
  constexpr std::string_view kEnding = ".safetensors", kOf = "-of-";
  constexpr size_t kTail = 1 + kDigits + kOf.size() + kDigits;  // "-00001-of-00003"
  if (!file_name.ends_with(kEnding)) return std::nullopt;
  const std::string_view stem = file_name.substr(0, file_name.size() - kEnding.size());
  if (stem.size() < kTail) return std::nullopt;
  const std::string_view name = stem.substr(0, stem.size() - kTail), tail = stem.substr(name.size());
  Shard shard;
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf ||
      !is_number_of(tail.substr(1, kDigits), kDigits, shard.number) ||
      !is_number_of(tail.substr(kTail - kDigits), kDigits, shard.count) || shard.count < 2) {
    return std::nullopt;
  }
  shard.set = fmt::format("{}-*-of-{}{}", name, tail.substr(kTail - kDigits), kEnding);
  return shard;
}

bool is_named_unfinished(std::string_view file_name) {
  constexpr std::array<std::string_view, 6> kEndings = {".part",     ".partial",    ".crdownload",
                                                        ".download", ".incomplete", ".tmp"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return file_name.ends_with(ending); });
}

}  // namespace svd
