#include "backends/planning/memory_model.h"

namespace svd {
namespace {

size_t size_of_elements(int64_t count, DType type) { return static_cast<size_t>(count) * size_of(type); }

}  // namespace

size_t MemoryModel::norm_weights(int64_t channels) const { return size_of_elements(2 * channels, DType::f32); }

size_t MemoryModel::conv2d_weights(const Conv2dSpec& s) const {
  return size_of_elements(s.out_channels * s.in_channels * s.kernel * s.kernel, numerics_.weights);
}

size_t MemoryModel::temporal_conv_weights(int64_t in, int64_t out) const {
  return size_of_elements(out * in * 3, numerics_.weights);
}

size_t MemoryModel::linear_weights(int64_t in, int64_t out) const {
  return size_of_elements(out * in, numerics_.weights);
}

size_t MemoryModel::vector_linear_weights(int64_t in, int64_t out) const {
  return size_of_elements(out * in, numerics_.weights);
}

size_t MemoryModel::feed_forward_weights(int64_t width, int64_t inner) const {
  return linear_weights(width, 2 * inner) + linear_weights(inner, width);
}

size_t MemoryModel::conv2d_workspace(const Shape&, const Conv2dSpec&) const { return 0; }
size_t MemoryModel::temporal_conv_workspace(const Shape&) const { return 0; }
size_t MemoryModel::linear_workspace(const Shape&, int64_t, const LinearOptions&) const { return 0; }
size_t MemoryModel::feed_forward_workspace(const Shape&, int64_t, const FeedForwardOptions&) const { return 0; }
size_t MemoryModel::attention_workspace(const Shape&, int64_t) const { return 0; }

}  // namespace svd
