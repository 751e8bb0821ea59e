// Files in the safetensors format: an 8-byte little-endian header length, a JSON header that names every tensor with
// its type, shape and place, then the tensors' bytes one after the other.
// Format: https://github.com/huggingface/safetensors#format
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "checkpoint/tensor_source.h"

namespace svd {

// One file, mapped into memory. Everything the header says is checked on construction, so that read() cannot leave
// the file. Move-only; const use is thread-safe. Throws Error(bad_file).
class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  std::string describe() const override { return path_; }
  // The tensors of a type this program computes with: F32, F16, BF16, U8.
  const Index& index() const override { return index_; }
  // Points into the mapping, or into `storage` when the file does not align the tensor to its element type.
  std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const override;
  void release(std::string_view prefix) const override;
  std::optional<std::string> foreign_type(std::string_view name) const override;

  // The tensors of all other types (position tables of integers, say): name -> type as the file writes it.
  const std::map<std::string, std::string, std::less<>>& other_types() const { return other_types_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  struct Place {
    size_t begin = 0, end = 0;  // in the file
  };
  std::string path_;
  MappedFile file_;
  Index index_;
  std::map<std::string, Place, std::less<>> places_;  // of the tensors of index_
  std::map<std::string, std::string, std::less<>> other_types_;
  std::map<std::string, std::string> metadata_;
};

// Writes a file tensor by tensor, so that a checkpoint larger than memory can be made. The file appears under its
// name only with finish(); before that, and after an error, nothing is there. Not thread-safe.
class SafetensorsWriter {
 public:
  using TensorList = std::vector<std::pair<std::string, TensorInfo>>;  // in the order of the file

  // Throws Error(invalid_argument) for names that cannot be in one header, Error(bad_file) as all members do.
  SafetensorsWriter(const std::filesystem::path& path, TensorList tensors,
                    const std::map<std::string, std::string>& metadata = {});
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;
  ~SafetensorsWriter();

  // The next tensor of the list, whole.
  void write(std::string_view name, std::span<const std::byte> bytes);
  // The next piece of the next tensor of the list, for tensors made in blocks.
  void append(std::string_view name, std::span<const std::byte> piece);
  void finish();

 private:
  void put(std::span<const std::byte> bytes);
  AtomicFile file_;
  TensorList tensors_;
  size_t next_ = 0;     // tensor that is being written
  size_t written_ = 0;  // bytes of it
  int descriptor_ = -1;
};

// A tensor in memory, to be written. The bytes belong to the caller.
struct TensorBytes {
  TensorInfo info;
  std::span<const std::byte> bytes;
};

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorBytes, std::less<>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace svd
