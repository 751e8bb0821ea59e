#include "sample_output.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <string>

#include "base/fail.h"

namespace svd::cli {
namespace {

std::string lower_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

}  // namespace

std::vector<std::filesystem::path> pictures_at(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 4> kExtensions = {".jpg", ".jpeg", ".png", ".webp"};
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    if (!std::filesystem::exists(path, error)) {
      fail(ErrorCode::bad_file, "{}: there is no such picture or folder (input_path)", path.string());
    }
    return {path};
  }
  std::vector<std::filesystem::path> pictures;
  for (auto it = std::filesystem::directory_iterator(path, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    const bool wanted = std::ranges::find(kExtensions, lower_extension(it->path())) != kExtensions.end();
    if (wanted && it->is_regular_file()) pictures.push_back(it->path());
  }
  if (error) fail(ErrorCode::bad_file, "{}: the folder cannot be read: {}", path.string(), error.message());
  if (pictures.empty()) {
    fail(ErrorCode::bad_file, "{}: the folder has no .jpg, .jpeg, .png or .webp files", path.string());
  }
  std::ranges::sort(pictures);
  return pictures;
}

void prepare_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder)) {
    fail(ErrorCode::bad_file, "{}: the output folder cannot be made: {}", folder.string(),
         error ? error.message() : "there is a file of that name");
  }
  const std::filesystem::path probe = folder / fmt::format(".svd-probe-{}", ::getpid());
  const bool writable = static_cast<bool>(std::ofstream(probe));
  std::filesystem::remove(probe, error);
  if (!writable) fail(ErrorCode::bad_file, "{}: the output folder cannot be written to", folder.string());
}

OutputFiles next_output(const std::filesystem::path& folder) {
  size_t number = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    number += lower_extension(entry.path()) == ".mp4" && !entry.path().filename().string().starts_with(".");
  for (;; ++number) {  // where some were deleted, the count may name a file that is there
    OutputFiles files{folder / fmt::format("{:06}.mp4", number), folder / fmt::format("{:06}.jpg", number)};
    if (!std::filesystem::exists(files.video) && !std::filesystem::exists(files.picture)) return files;
  }
}

}  // namespace svd::cli
