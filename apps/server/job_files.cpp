#include "job_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "api_error.h"
#include "base/atomic_file.h"
#include "base/fail.h"
#include "svd/video.h"

namespace svd::server {

namespace fs = std::filesystem;

namespace {

constexpr int kFramesPerRow = 4;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::bad_file, "{}: the folder cannot be made: {}", folder.string(), error.message());
}

// A rename is only safe from a power cut when the folder it happened in is on the disk.
void flush_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!flushed) fail(ErrorCode::bad_file, "{}: cannot be flushed: {}", folder.string(), std::strerror(error));
}

bool is_frame_name(std::string_view name) {
  return name.starts_with("frames/") && name.ends_with(".png") && name.size() == 15 &&
         std::ranges::all_of(name.substr(7, 4), [](char c) { return c >= '0' && c <= '9'; });
}

void copy_whole(const fs::path& from, const fs::path& to) {
  AtomicFile file(to);
  std::error_code error;
  fs::copy_file(from, file.temporary(), fs::copy_options::overwrite_existing, error);
  if (error) fail(ErrorCode::bad_file, "{}: cannot be copied to {}: {}", from.string(), to.string(), error.message());
  file.commit();
}

}  // namespace

Image grid_of(std::span<const Image> frames) {
  ensure(!frames.empty(), "a grid of no frames");
  const int columns = std::min(kFramesPerRow, static_cast<int>(frames.size()));
  const int rows = (static_cast<int>(frames.size()) + columns - 1) / columns;
  const int width = frames[0].width, height = frames[0].height;
  Image grid{columns * width, rows * height, {}};
  grid.rgb.resize(size_t{3} * static_cast<size_t>(grid.width) * static_cast<size_t>(grid.height));
  const size_t line = size_t{3} * static_cast<size_t>(width);
  for (size_t i = 0; i < frames.size(); ++i) {
    const size_t column = i % static_cast<size_t>(columns), row = i / static_cast<size_t>(columns);
    for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
      const auto source = frames[i].rgb.begin() + static_cast<std::ptrdiff_t>(y * line);
      const size_t target =
          (row * static_cast<size_t>(height) + y) * line * static_cast<size_t>(columns) + column * line;
      std::copy_n(source, line, grid.rgb.begin() + static_cast<std::ptrdiff_t>(target));
    }
  }
  return grid;
}

JobFiles::JobFiles(fs::path root) : root_(std::move(root)) {
  make_folder(root_ / "jobs");
  make_folder(root_ / "unfinished");
}

std::string JobFiles::frame_name(int index) { return fmt::format("{:04}.png", index); }

uint64_t JobFiles::write(const std::string& id, std::span<const Image> frames, int fps) {
  const fs::path unfinished = root_ / "unfinished" / id;
  const struct Removal {
    const fs::path& folder;
    ~Removal() {
      std::error_code ignored;
      fs::remove_all(folder, ignored);
    }
  } removal{unfinished};  // if something goes wrong; afterwards there is nothing to remove
  fs::remove_all(unfinished);
  for (size_t i = 0; i < frames.size(); ++i) {
    write_png(unfinished / "frames" / frame_name(static_cast<int>(i)), frames[i]);
  }
  write_png(unfinished / "grid.png", grid_of(frames));
  write_mp4(unfinished / "video.mp4", frames, {.fps = fps});
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(unfinished)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  flush_folder(unfinished / "frames");
  flush_folder(unfinished);
  fs::remove_all(folder_of(id));  // of an attempt that ended before it could say that it was done
  fs::rename(unfinished, folder_of(id));
  flush_folder(root_ / "jobs");
  return bytes;
}

void JobFiles::remove(const std::string& id) {
  std::error_code ignored;  // what stays goes with the next start
  fs::remove_all(folder_of(id), ignored);
}

void JobFiles::keep_only(const std::set<std::string>& ids) {
  for (const auto& entry : fs::directory_iterator(root_ / "unfinished")) fs::remove_all(entry.path());
  for (const auto& entry : fs::directory_iterator(root_ / "jobs")) {
    if (!ids.contains(entry.path().filename().string())) fs::remove_all(entry.path());
  }
}

std::optional<fs::path> JobFiles::find(const std::string& id, std::string_view name) const {
  if (!is_job_id(id) || (name != "video.mp4" && name != "grid.png" && !is_frame_name(name))) return std::nullopt;
  const fs::path path = folder_of(id) / name;
  std::error_code error;
  return fs::is_regular_file(path, error) ? std::optional(path) : std::nullopt;
}

std::string SavedCopies::default_path(std::string_view version) const {
  return (root_ / "demo/vid" / version / "samples/").string();
}

void SavedCopies::check(const std::string& path) const {
  const auto reject = [&](const std::string& why) {
    throw ApiError(400, "bad_setting", fmt::format("save_path: {}", why), "save_path");
  };
  if (!allowed()) reject("this server saves no copies (--no_save_locally)");
  if (path.empty() || path.size() > 500) reject("expected a folder");
  if (std::ranges::any_of(path, [](unsigned char c) { return std::iscntrl(c) || c == '\\'; })) {
    reject("a character that folders here may not have");
  }
  const fs::path folder = path;
  const bool climbs = std::ranges::find(folder, fs::path("..")) != folder.end();
  std::error_code error;
  const fs::path root = fs::weakly_canonical(fs::absolute(root_), error);
  const fs::path target = fs::weakly_canonical(fs::absolute(folder), error);  // links followed
  const auto [mismatch, rest] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
  if (climbs || error || mismatch != root.end()) {
    reject(
        fmt::format("expected a folder below {}, as in {}, found {}", root_.string(), (root_ / "demo").string(), path));
  }
}

std::vector<std::string> SavedCopies::save(const std::string& path, const fs::path& video, const fs::path& grid) const {
  check(path);
  const fs::path folder = path;
  make_folder(folder);
  size_t number = 0;
  for (const auto& entry : fs::directory_iterator(folder)) number += entry.path().extension() == ".mp4";
  for (;; ++number) {  // where some were deleted, the count may name a file that is there
    const fs::path picture = folder / fmt::format("{:06}.png", number),
                   copy = folder / fmt::format("{:06}.mp4", number);
    if (fs::exists(copy)) continue;
    const int file = ::open(picture.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);  // holds the number
    if (file < 0 && errno == EEXIST) continue;
    if (file < 0) fail(ErrorCode::bad_file, "{}: cannot be written: {}", picture.string(), std::strerror(errno));
    ::close(file);
    copy_whole(grid, picture);
    copy_whole(video, copy);
    return {copy.string(), picture.string()};
  }
}

}  // namespace svd::server
