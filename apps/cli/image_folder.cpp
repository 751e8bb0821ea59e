#include "image_folder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <span>

#include "base/fail.h"
#include "svd/image.h"

namespace svd::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostNamed = 5;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits that `text` begins with off it; without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  std::string_view digits = text.substr(0, static_cast<size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

bool has_image_ending(const fs::path& path) {
  constexpr std::array<std::string_view, 15> kEndings = {".jpg",  ".jpeg", ".jpe", ".jfif", ".png",
                                                         ".webp", ".heic", ".hif", ".heif", ".avif",
                                                         ".tif",  ".tiff", ".gif", ".apng", ".bmp"};
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::ranges::find(kEndings, ending) != kEndings.end();
}

ImageSniff sniff(const fs::path& path) {
  std::array<char, 4096> beginning;
  std::ifstream stream(path, std::ios::binary);
  stream.read(beginning.data(), beginning.size());
  return sniff_image(std::as_bytes(std::span(beginning).first(static_cast<size_t>(stream.gcount()))));
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a, whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a[0]) && is_digit(b[0])) {
      const std::string_view m = take_number(a), n = take_number(b);
      if (m.size() != n.size()) return m.size() < n.size();
      if (m != n) return m < n;
      continue;
    }
    if (a[0] != b[0]) return static_cast<unsigned char>(a[0]) < static_cast<unsigned char>(b[0]);
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // 1.png and 01.png
}

ImageFolder look_into(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> entries;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator(); it.increment(error)) {
    if (!it->path().filename().string().starts_with(".")) entries.push_back(it->path());
  }
  if (error) fail(ErrorCode::bad_file, "{}: the folder cannot be read: {}", folder.string(), error.message());
  std::ranges::sort(entries, [](const fs::path& a, const fs::path& b) {
    return natural_less(a.filename().string(), b.filename().string());
  });
  ImageFolder result;
  for (const fs::path& path : entries) {
    std::error_code ignored;  // of a dangling link, say; reading it will tell
    const fs::file_status status = fs::status(path, ignored);
    if (fs::is_directory(status)) continue;
    if (fs::exists(status) && !fs::is_regular_file(status)) {  // reading a pipe would wait for ever
      result.skipped.push_back(path.filename().string() + " (not a regular file)");
      continue;
    }
    const ImageSniff found = sniff(path);
    if (found.readable || has_image_ending(path)) {
      result.images.push_back(path);
    } else {
      const std::string_view kind = found.kind.empty() ? "no picture of a known kind" : found.kind;
      result.skipped.push_back(fmt::format("{} ({})", path.filename().string(), kind));
    }
  }
  return result;
}

std::string list_skipped(const std::vector<std::string>& skipped) {
  const size_t named = std::min(skipped.size(), kMostNamed);
  const std::span<const std::string> first(skipped.data(), named);
  return skipped.size() == named ? fmt::format("{}", fmt::join(first, ", "))
                                 : fmt::format("{} and {} more", fmt::join(first, ", "), skipped.size() - named);
}

}  // namespace svd::cli
