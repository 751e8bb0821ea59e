// The intermediate tensors of one run, to compare with the reference implementation (--save_tensors).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/tensor_source.h"
#include "svd/model.h"

namespace svd::cli {

class TensorFile {
 public:
  explicit TensorFile(std::filesystem::path path) : path_(std::move(path)) {}

  void keep(const TensorRecord& record);  // copies it
  void write() const;                     // throws Error(bad_file)

 private:
  struct Entry {
    TensorInfo info;
    std::vector<std::byte> bytes;
  };
  std::filesystem::path path_;
  std::map<std::string, Entry> entries_;
};

}  // namespace svd::cli
