// What backends that compute in the host's memory share.
#pragma once

#include "base/buffer_pool.h"
#include "ops/backend.h"

namespace svd {

// Tensors come from a pool of the host's memory, or, planned, from one that only counts.
class HostBackend : public Backend {
 public:
  MemoryKind memory_kind() const override { return pool_.plans_only() ? MemoryKind::planned : MemoryKind::host; }
  MemoryUse memory() const override { return {pool_.live_bytes(), pool_.held_bytes(), pool_.peak_bytes()}; }
  uint64_t available_memory() const override;
  void reset_peak() override { pool_.reset_peak(); }
  void trim() override { pool_.trim(); }

 protected:
  explicit HostBackend(BufferPool::Mode mode = BufferPool::Mode::real) : pool_(mode) {}
  BufferPool& pool() { return pool_; }

 private:
  Tensor do_allocate(const Shape& shape, DType type) final { return Tensor(pool_, shape, type); }
  void do_upload(std::span<const float> values, Tensor& to) final;
  void do_download(const Tensor& from, std::span<float> values) final;

  BufferPool pool_;
};

}  // namespace svd
