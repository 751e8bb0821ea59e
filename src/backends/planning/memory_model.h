// What a backend's weights and workspace take, in bytes: what a planner asks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/backend.h"

namespace svd {

// Each backend answers where it decides, beside the code that packs and allocates. The defaults are those of one that
// keeps weights as they are and needs no workspace.
class MemoryModel {
 public:
  explicit MemoryModel(Numerics numerics) : numerics_(numerics) {}
  virtual ~MemoryModel() = default;

  const Numerics& numerics() const { return numerics_; }

  // ---- Packed weights
  virtual size_t norm_weights(int64_t channels) const;
  virtual size_t conv2d_weights(const Conv2dSpec& spec) const;
  virtual size_t temporal_conv_weights(int64_t in, int64_t out) const;
  virtual size_t linear_weights(int64_t in, int64_t out) const;
  virtual size_t vector_linear_weights(int64_t in, int64_t out) const;
  virtual size_t feed_forward_weights(int64_t width, int64_t inner) const;

  // ---- Workspace: held during one operation beside its operands and its result
  virtual size_t conv2d_workspace(const Shape& x, const Conv2dSpec& spec) const;
  virtual size_t temporal_conv_workspace(const Shape& x) const;
  virtual size_t linear_workspace(const Shape& x, int64_t out, const LinearOptions& options) const;
  virtual size_t feed_forward_workspace(const Shape& x, int64_t inner, const FeedForwardOptions& options) const;
  virtual size_t attention_workspace(const Shape& qkv, int64_t heads) const;

 private:
  const Numerics numerics_;
};

}  // namespace svd
