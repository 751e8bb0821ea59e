// Files in the safetensors format: an 8-byte little-endian header length, a JSON header with the type, shape and place
// of every tensor, then the bytes of the tensors one after the other.
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

// One file, mapped into memory. The constructor checks everything the header says, so read() cannot leave the file.
// Move-only; const use is thread-safe. Throws Error(bad_file).
class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  std::string describe() const override { return path_; }
  // The tensors whose type is supported: F32, F16, BF16 or U8.
  const Index& index() const override { return index_; }
  // Points into the mapping, or into `storage` if the file does not align the tensor to its element type.
  std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const override;
  void release(std::string_view prefix) const override;
  std::optional<std::string> foreign_type(std::string_view name) const override;

  // The tensors of all other types, such as integer position tables: name -> type, as the file spells it.
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

// Writes a file tensor by tensor, so that a checkpoint may be larger than memory. The file appears under its name in
// finish(); before that, or after an error, an older file of that name is untouched. Not thread-safe.
class SafetensorsWriter {
 public:
  using TensorList = std::vector<std::pair<std::string, TensorInfo>>;  // in the order of the file

  // Throws Error(invalid_argument) for names that cannot be in one header. All members throw Error(bad_file).
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
  size_t next_ = 0;     // the tensor being written
  size_t written_ = 0;  // bytes of it so far
  int descriptor_ = -1;
};

// A tensor in memory, to be written. The bytes are borrowed from the caller.
struct TensorBytes {
  TensorInfo info;
  std::span<const std::byte> bytes;
};

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorBytes, std::less<>>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace svd
