// Prepared matrix products of blocked attention, kept between calls.
#pragma once

#include <array>
#include <cstdint>
#include <dnnl.hpp>
#include <map>
#include <memory>

#include "base/parallel.h"
#include "tensor/shape.h"

namespace svd::cpu {

struct AttentionProducts;

// Not thread-safe.
class AttentionCache {
 public:
  AttentionCache();
  ~AttentionCache();

  // row_stride: elements from one row of q to the next. `like` (may be null) gives the layouts of keys and values. The
  // result lives as long as the cache.
  const AttentionProducts& get(const dnnl::engine& engine, int64_t queries, int64_t keys, int64_t width,
                               int64_t row_stride, const AttentionProducts* like);

 private:
  std::map<std::array<int64_t, 4>, std::unique_ptr<AttentionProducts>> products_;
};

// Bytes that attention by oneDNN needs beside its operands.
size_t dnnl_attention_workspace(const Shape& qkv, int64_t heads, const Threads& threads);

}  // namespace svd::cpu
