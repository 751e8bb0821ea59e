// Prepared matrix products of blocked attention, kept between calls.
#pragma once

#include <array>
#include <cstdint>
#include <dnnl.hpp>
#include <map>
#include <memory>

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

}  // namespace svd::cpu
