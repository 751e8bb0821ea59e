#include "sample_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/fail.h"

namespace svd::cli {

namespace fs = std::filesystem;

fs::path dangling_link(const fs::path& path) {
  std::error_code error;
  for (fs::path part = path; !part.empty(); part = part.parent_path()) {
    if (fs::is_symlink(part, error) && !fs::exists(part, error)) return part;
    if (part == part.parent_path()) break;
  }
  return {};
}

void prepare_folder(const fs::path& folder, const char* option) {
  std::error_code error;
  if (const fs::path link = dangling_link(folder); !link.empty()) {
    fail(ErrorCode::bad_file, "{}: a link to {}, which does not exist ({})", link.string(),
         fs::read_symlink(link, error).string(), option);
  }
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder, error)) {
    fail(ErrorCode::bad_file, "{}: the folder cannot be created: {} ({})", folder.string(),
         error ? error.message() : "a file has that name", option);
  }
  const fs::path probe = folder / fmt::format(".svd-probe-{}", ::getpid());
  const bool writable = static_cast<bool>(std::ofstream(probe));
  fs::remove(probe, error);
  if (!writable) {
    fail(ErrorCode::bad_file, "{}: the folder cannot be written to ({})", folder.string(), option);
  }
}

OutputNumber::OutputNumber(const fs::path& folder) {
  size_t number = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    number += entry.path().extension() == ".mp4" && !entry.path().filename().string().starts_with(".");
  }
  for (;; ++number) {  // if some were deleted, a file may already have this number
    video_ = folder / fmt::format("{:06}.mp4", number);
    image_ = folder / fmt::format("{:06}.jpg", number);
    if (fs::exists(video_)) continue;
    const int file = ::open(image_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      ::close(file);
      return;
    }
    if (errno != EEXIST) {
      fail(ErrorCode::bad_file, "{}: cannot be written: {}", image_.string(), std::strerror(errno));
    }
  }
}

OutputNumber::~OutputNumber() {
  if (kept_) return;
  std::error_code ignored;
  fs::remove(image_, ignored);
}

void VideoOutput::add(const FrameChunk& chunk) {
  for (const Image& frame : chunk.frames) writer_.add(frame);
}

void VideoOutput::finish() {
  write_jpeg(number_.image(), image_);
  writer_.finish();
  number_.keep();
}

}  // namespace svd::cli
