// Writing files so that nobody ever sees a half-written one.
#pragma once

#include <filesystem>

namespace svd {

// A temporary file in the folder of the final one. The caller writes to temporary(); commit() flushes it to disk and
// renames it, replacing an older file. Without commit(), the destructor removes it. Not thread-safe.
class AtomicFile {
 public:
  // Creates the folder if necessary. Throws Error(bad_file) if it cannot, or if the path names a
  // folder.
  explicit AtomicFile(std::filesystem::path final_path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  const std::filesystem::path& temporary() const { return temporary_; }
  const std::filesystem::path& final_path() const { return final_; }
  void commit();  // throws Error(bad_file)

 private:
  std::filesystem::path final_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace svd
