#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/fail.h"

namespace svd {

AtomicFile::AtomicFile(std::filesystem::path final_path) : final_(std::move(final_path)) {
  static std::atomic<unsigned> counter{0};  // keeps two writers in one process from sharing a temporary name
  const auto folder = final_.has_parent_path() ? final_.parent_path() : std::filesystem::path(".");
  std::error_code error;
  if (!final_.has_filename() || std::filesystem::is_directory(final_, error)) {  // told now, not by the last rename
    fail(ErrorCode::bad_file, "{}: is a folder, expected the name of a file", final_.string());
  }
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorCode::bad_file, "{}: the folder cannot be created: {}", folder.string(), error.message());
  // The extension stays last, because some writers choose the format by it.
  temporary_ = folder / fmt::format(".{}.{}-{}.part{}", final_.stem().string(), ::getpid(), counter++,
                                    final_.extension().string());
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void AtomicFile::commit() {
  const int fd = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(ErrorCode::bad_file, "{}: cannot be written: {}", final_.string(), std::strerror(errno));
  const bool flushed = ::fsync(fd) == 0;
  const int flush_error = errno;
  ::close(fd);
  if (!flushed) fail(ErrorCode::bad_file, "{}: cannot be written: {}", final_.string(), std::strerror(flush_error));
  if (::rename(temporary_.c_str(), final_.c_str()) != 0) {
    fail(ErrorCode::bad_file, "{}: cannot be renamed into place: {}", final_.string(), std::strerror(errno));
  }
  committed_ = true;
}

}  // namespace svd
