#include "tensor/storage.h"

#include <utility>

#include "base/fail.h"

namespace svd {

std::string_view name_of(MemoryKind kind) {
  switch (kind) {
    case MemoryKind::host: return "host";
    case MemoryKind::device: return "device";
    case MemoryKind::planned: return "planned";
  }
  fail(ErrorCode::internal, "unknown kind of memory {}", static_cast<int>(kind));
}

Storage::Storage(Buffer block)
    : kind_(block.planned() ? MemoryKind::planned : MemoryKind::host),
      address_(block.data()),
      bytes_(block.capacity()),
      owner_(std::move(block)) {}

Storage::Storage(MemoryKind kind, std::byte* address, size_t bytes, Owner owner)
    : kind_(kind), address_(address), bytes_(bytes), owner_(std::move(owner)) {}

Storage Storage::borrowed(const Storage& whole, size_t offset, size_t bytes) {
  ensure(offset <= whole.bytes_ && bytes <= whole.bytes_ - offset, "bytes {} to {} of a storage of {}", offset,
         offset + bytes, whole.bytes_);
  Storage part;
  part.kind_ = whole.kind_;
  part.address_ = whole.address_ ? whole.address_ + offset : nullptr;
  part.bytes_ = bytes;
  return part;
}

Storage::Storage(Storage&& other) noexcept
    : kind_(other.kind_),
      address_(std::exchange(other.address_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      owner_(std::exchange(other.owner_, {})) {}

Storage& Storage::operator=(Storage&& other) noexcept {
  kind_ = other.kind_;
  address_ = std::exchange(other.address_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  owner_ = std::exchange(other.owner_, {});
  return *this;
}

}  // namespace svd
