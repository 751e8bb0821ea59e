#include "job_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/fail.h"
#include "durable_folder.h"
#include "svd/video.h"

namespace svd::server {

namespace fs = std::filesystem;

namespace {

constexpr int kFramesPerRow = 4;

bool is_frame_name(std::string_view name) {
  return name.starts_with("frames/") && name.ends_with(".png") && name.size() == 15 &&
         std::ranges::all_of(name.substr(7, 4), [](char c) { return c >= '0' && c <= '9'; });
}

// "0003.png", and what AtomicFile calls it until it is complete: ".0003.4711-5.part.png".
bool is_file_of(const fs::path& path, std::string_view stem, std::string_view extension) {
  const std::string name = path.filename().string();
  return name == fmt::format("{}{}", stem, extension) ||
         (name.starts_with(fmt::format(".{}.", stem)) && name.ends_with(fmt::format(".part{}", extension)));
}

bool is_frame_file(const fs::path& path) {
  const std::string name = path.filename().string();
  const size_t start = name.starts_with('.') ? 1 : 0;
  const std::string stem = name.substr(start, 4);
  return stem.size() == 4 && std::ranges::all_of(stem, [](char c) { return c >= '0' && c <= '9'; }) &&
         is_file_of(path, stem, ".png");
}

// Deletes what JobFiles::write() makes in such a folder, and the folder when nothing else is in it; whether it is gone.
bool remove_own_files(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (!entry.is_regular_file(ignored) || entry.is_symlink(ignored)) continue;
    if (is_file_of(entry, "video", ".mp4") || is_file_of(entry, "grid", ".png")) fs::remove(entry.path(), ignored);
  }
  const fs::path frames = folder / "frames";
  if (fs::symlink_status(frames, ignored).type() == fs::file_type::directory) {
    for (const auto& entry : fs::directory_iterator(frames, ignored)) {
      if (entry.is_regular_file(ignored) && !entry.is_symlink(ignored) && is_frame_file(entry)) {
        fs::remove(entry.path(), ignored);
      }
    }
    fs::remove(frames, ignored);  // only when it is empty
  }
  fs::remove(folder, ignored);
  return !fs::exists(fs::symlink_status(folder, ignored));
}

// Out of the way of files of ours, never lost: "ID.1", "ID.2", ...
void set_aside(const fs::path& folder) {
  for (int number = 1;; ++number) {
    fs::path free_name = folder;
    free_name += fmt::format(".{}", number);
    if (fs::exists(fs::symlink_status(free_name))) continue;
    fs::rename(folder, free_name);
    return;
  }
}

bool is_job_folder(const fs::directory_entry& entry) {
  std::error_code ignored;
  return is_job_id(entry.path().filename().string()) && entry.is_directory(ignored);
}

// Moves a folder that need not be there.
void move_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(from, error))) return;
  fs::rename(from, to, error);
  if (error) fail(ErrorCode::bad_file, "{}: cannot be moved to {}: {}", from.string(), to.string(), error.message());
  flush_folder(from.parent_path());
  flush_folder(to.parent_path());
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
  for (const char* name : {"jobs", "unfinished", "removed"}) make_folder(root_ / name);
}

std::string JobFiles::frame_name(int index) { return fmt::format("{:04}.png", index); }

uint64_t JobFiles::write(const std::string& id, std::span<const Image> frames, int fps) {
  const fs::path folder = unfinished(id);
  const struct Removal {
    const fs::path& folder;
    ~Removal() { remove_own_files(folder); }
  } removal{folder};  // if something goes wrong; afterwards there is nothing to remove
  remove_own_files(folder);
  for (size_t i = 0; i < frames.size(); ++i) {
    write_png(folder / "frames" / frame_name(static_cast<int>(i)), frames[i]);
  }
  write_png(folder / "grid.png", grid_of(frames));
  write_mp4(folder / "video.mp4", frames, {.fps = fps});
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  flush_folder(folder / "frames");
  flush_folder(folder);
  // An earlier attempt that is not whole, which find_result() would have found otherwise.
  if (!remove_own_files(folder_of(id))) set_aside(folder_of(id));
  move_folder(folder, folder_of(id));
  return bytes;
}

std::optional<JobResult> JobFiles::find_result(const std::string& id, int frames) const {
  JobResult result{.frames = frames};
  std::vector<std::string> names = {"video.mp4", "grid.png"};
  for (int i = 0; i < frames; ++i) names.push_back("frames/" + frame_name(i));
  for (const std::string& name : names) {
    const auto path = find(id, name);
    if (!path) return std::nullopt;
    result.bytes += fs::file_size(*path);
  }
  return result;
}

bool JobFiles::can_hold(const std::string& id, uint64_t bytes) const {
  const fs::path probe = unfinished(id) / "grid.png";  // a name that remove_own_files() knows
  std::error_code ignored;
  fs::create_directories(probe.parent_path(), ignored);
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool fits = file >= 0 && ::posix_fallocate(file, 0, static_cast<off_t>(bytes)) == 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  remove_own_files(unfinished(id));
  return fits;
}

void JobFiles::begin_removal(const std::string& id) {
  if (fs::exists(fs::symlink_status(removed(id)))) set_aside(removed(id));
  move_folder(folder_of(id), removed(id));
}

void JobFiles::end_removal(const std::string& id) { remove_own_files(removed(id)); }

void JobFiles::undo_removal(const std::string& id) { move_folder(removed(id), folder_of(id)); }

TidyResult JobFiles::tidy(const std::function<bool(const std::string&)>& is_known) {
  TidyResult result;
  const auto remove = [&](const fs::path& folder) {
    (remove_own_files(folder) ? result.removed : result.strange).push_back(folder);
  };
  for (const auto& entry : fs::directory_iterator(root_ / "unfinished")) {
    const bool ours = is_job_folder(entry) && is_known(entry.path().filename().string());
    if (ours) {
      remove(entry.path());
    } else {
      result.strange.push_back(entry.path());
    }
  }
  for (const auto& entry : fs::directory_iterator(root_ / "removed")) {
    const std::string id = entry.path().filename().string();
    if (!is_job_folder(entry)) {
      result.strange.push_back(entry.path());
    } else if (!is_known(id)) {
      remove(entry.path());
    } else if (!fs::exists(fs::symlink_status(folder_of(id)))) {
      undo_removal(id);
    }
  }
  for (const auto& entry : fs::directory_iterator(root_ / "jobs")) {
    if (!is_job_folder(entry) || !is_known(entry.path().filename().string())) result.strange.push_back(entry.path());
  }
  return result;
}

bool JobFiles::has_jobs() const {
  for (const auto& entry : fs::directory_iterator(root_ / "jobs")) {
    if (is_job_folder(entry)) return true;
  }
  return false;
}

std::optional<fs::path> JobFiles::find(const std::string& id, std::string_view name) const {
  if (!is_job_id(id) || (name != "video.mp4" && name != "grid.png" && !is_frame_name(name))) return std::nullopt;
  const fs::path path = folder_of(id) / name;
  std::error_code error;
  return fs::is_regular_file(path, error) ? std::optional(path) : std::nullopt;
}

}  // namespace svd::server
