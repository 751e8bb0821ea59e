// Writing files so that nobody ever sees half of one.
#pragma once

#include <filesystem>

namespace svd {

// A temporary name beside the wanted one. The writer writes to temporary(); commit() flushes it to disk and renames
// it into place, over an older file. Without commit() the destructor removes what was written.
class AtomicFile {
 public:
  // Creates the folder when it is not there yet. Throws Error(bad_file) when it cannot, or when the path names a
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
