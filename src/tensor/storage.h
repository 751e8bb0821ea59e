// The memory behind a tensor, and who owns it.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <variant>

#include "base/buffer_pool.h"

namespace svd {

enum class MemoryKind {
  host,     // this program's own
  device,   // a device's: only the backend that made it may follow the address
  planned,  // none: a size to count with
};
std::string_view name_of(MemoryKind kind);  // "host", ...

// A block of memory of one kind. Move-only: moving leaves an empty storage behind.
class Storage {
 public:
  // Keeps the block alive and gives it back when destroyed: a block of another library, for instance.
  using Owner = std::shared_ptr<void>;

  Storage() = default;
  explicit Storage(Buffer block);  // host, or planned when the block's pool only plans
  Storage(MemoryKind kind, std::byte* address, size_t bytes, Owner owner);
  // A part of another storage, which must outlive this one.
  static Storage borrowed(const Storage& whole, size_t offset, size_t bytes);

  Storage(Storage&& other) noexcept;
  Storage& operator=(Storage&& other) noexcept;
  ~Storage() = default;

  MemoryKind kind() const { return kind_; }
  std::byte* address() const { return address_; }  // null when planned
  size_t bytes() const { return bytes_; }          // what the block holds, at least what was asked for
  bool empty() const { return bytes_ == 0; }

 private:
  MemoryKind kind_ = MemoryKind::host;
  std::byte* address_ = nullptr;
  size_t bytes_ = 0;
  std::variant<std::monostate, Buffer, Owner> owner_;
};

}  // namespace svd
