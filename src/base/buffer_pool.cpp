#include "base/buffer_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/fail.h"

namespace svd {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;
// Free blocks of so many bytes are kept in any case: the scratch memory of operations comes and goes a thousand times a
// second.
constexpr size_t kSlack = size_t{32} << 20;

// Small blocks are rounded to pages, large ones to huge pages, so that blocks of nearly equal size serve each other.
size_t rounded(size_t bytes) {
  const size_t unit = bytes >= 8 * kHugePage ? kHugePage : kPage;
  return (std::max<size_t>(bytes, 1) + unit - 1) / unit * unit;
}

// A kept block serves a request when at most a quarter of it would lie idle.
constexpr size_t largest_fit(size_t bytes) { return bytes + bytes / 3; }

std::byte* map_memory(size_t bytes) {
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  if (bytes >= kHugePage) ::madvise(p, bytes, MADV_HUGEPAGE);  // fewer faults and TLB misses
  return static_cast<std::byte*>(p);
}

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    if (pool_) pool_->give_back(data_, capacity_);
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

Buffer::~Buffer() {
  if (pool_) pool_->give_back(data_, capacity_);
}

bool Buffer::planned() const { return pool_ && pool_->plans_only(); }

BufferPool::~BufferPool() { trim(); }

Buffer BufferPool::allocate(size_t bytes) {
  const size_t wanted = rounded(bytes);
  const std::scoped_lock lock(mutex_);
  if (auto it = free_.lower_bound(wanted); it != free_.end() && it->first <= largest_fit(wanted)) {
    const auto [capacity, data] = *it;
    free_.erase(it);
    live_ += capacity;
    most_live_ = std::max(most_live_, live_);
    return Buffer(this, data, capacity);
  }
  // Memory that was in use at the same time before may stay.
  most_live_ = std::max(most_live_, live_ + wanted);
  if (held_ + wanted > most_live_ + kSlack) drop_free_blocks(held_ + wanted - most_live_ - kSlack);
  std::byte* data = nullptr;
  if (mode_ == Mode::real) {
    data = map_memory(wanted);
    if (!data) {
      drop_free_blocks(std::numeric_limits<size_t>::max());
      data = map_memory(wanted);
    }
    if (!data) {
      fail(ErrorCode::out_of_memory, "out of memory: the system gave no block of {:.1f} MiB ({:.1f} MiB are in use)",
           static_cast<double>(wanted) / 0x1p20, static_cast<double>(held_) / 0x1p20);
    }
  }
  live_ += wanted;
  held_ += wanted;
  peak_ = std::max(peak_, held_);
  return Buffer(this, data, wanted);
}

void BufferPool::drop_free_blocks(size_t at_least) {
  size_t dropped = 0;
  while (dropped < at_least && !free_.empty()) {
    const auto it = std::prev(free_.end());
    if (mode_ == Mode::real) ::munmap(it->second, it->first);
    dropped += it->first;
    held_ -= it->first;
    free_.erase(it);
  }
}

void BufferPool::trim() {
  const std::scoped_lock lock(mutex_);
  drop_free_blocks(std::numeric_limits<size_t>::max());
  most_live_ = live_;
}

void BufferPool::give_back(std::byte* data, size_t capacity) noexcept {
  const std::scoped_lock lock(mutex_);
  live_ -= capacity;
  try {
    free_.emplace(capacity, data);
  } catch (...) {  // no memory for the note: then the block cannot be kept
    if (mode_ == Mode::real) ::munmap(data, capacity);
    held_ -= capacity;
  }
}

size_t BufferPool::live_bytes() const {
  const std::scoped_lock lock(mutex_);
  return live_;
}

size_t BufferPool::held_bytes() const {
  const std::scoped_lock lock(mutex_);
  return held_;
}

size_t BufferPool::peak_bytes() const {
  const std::scoped_lock lock(mutex_);
  return peak_;
}

void BufferPool::reset_peak() {
  const std::scoped_lock lock(mutex_);
  peak_ = held_;
}

}  // namespace svd
