// A pool of large blocks of memory that are used again.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace svd {

class BufferPool;

// A block of a pool, 64-byte aligned, given back on destruction. data() is null when the pool only plans.
// The pool must outlive its buffers.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::byte* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  bool planned() const;  // of a pool that only plans
  bool empty() const { return capacity_ == 0; }

 private:
  friend class BufferPool;
  Buffer(BufferPool* pool, std::byte* data, size_t capacity) : pool_(pool), data_(data), capacity_(capacity) {}
  BufferPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  size_t capacity_ = 0;
};

// Activations of a video are hundreds of megabytes each and live for one or two operations. Asking the kernel for
// each would cost a page fault per 4 KiB; the pool keeps freed blocks and hands them out again when they fit well.
// What it holds never exceeds the largest sum of live blocks since the last trim() by more than the slack of that fit
// and 32 MiB. Thread-safe.
class BufferPool {
 public:
  enum class Mode { real, plan };  // plan: counts, and gives out null pointers

  explicit BufferPool(Mode mode = Mode::real) : mode_(mode) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  Buffer allocate(size_t bytes);  // contents undefined; throws Error(out_of_memory)
  void trim();                    // gives the free blocks back to the system

  bool plans_only() const { return mode_ == Mode::plan; }
  size_t live_bytes() const;  // handed out now
  size_t held_bytes() const;  // handed out or kept for reuse
  size_t peak_bytes() const;  // largest held_bytes() since construction or reset_peak()
  void reset_peak();

 private:
  friend class Buffer;
  void give_back(std::byte* data, size_t capacity) noexcept;
  void drop_free_blocks(size_t at_least);  // with mutex_ held

  const Mode mode_;
  mutable std::mutex mutex_;
  std::multimap<size_t, std::byte*> free_;  // by capacity
  size_t live_ = 0;
  size_t held_ = 0;
  size_t peak_ = 0;
  size_t most_live_ = 0;  // since trim()
};

}  // namespace svd
