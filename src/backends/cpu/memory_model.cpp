#include "backends/cpu/memory_model.h"

#include "backends/cpu/attention.h"
#include "backends/cpu/dnnl_convolution.h"
#include "backends/cpu/dnnl_products.h"
#include "backends/cpu/panel_attention.h"
#include "backends/cpu/panel_convolution.h"
#include "backends/cpu/panel_products.h"
#include "backends/cpu/panels.h"

namespace svd::cpu {
namespace {

class PanelMemory final : public MemoryModel {
 public:
  PanelMemory(Numerics numerics, const Threads& threads) : MemoryModel(numerics), threads_(threads) {}

  size_t conv2d_weights(const Conv2dSpec& spec) const override { return panel_conv2d_weights(spec); }
  size_t temporal_conv_weights(int64_t in, int64_t out) const override { return Panels::bytes_of(out, in, 3); }
  size_t linear_weights(int64_t in, int64_t out) const override { return Panels::bytes_of(out, in); }
  size_t feed_forward_weights(int64_t width, int64_t inner) const override {
    return panel_feed_forward_weights(width, inner);
  }

  size_t conv2d_workspace(const Shape& x, const Conv2dSpec& spec) const override {
    return panel_conv2d_workspace(x, spec, threads_);
  }
  size_t temporal_conv_workspace(const Shape& x) const override { return panel_temporal_conv_workspace(x, threads_); }
  size_t linear_workspace(const Shape& x, int64_t out, const LinearOptions& options) const override {
    return panel_linear_workspace(x, out, options, threads_);
  }
  size_t feed_forward_workspace(const Shape& x, int64_t inner, const FeedForwardOptions& options) const override {
    return panel_feed_forward_workspace(x, inner, options, threads_);
  }
  size_t attention_workspace(const Shape& qkv, int64_t heads) const override {
    return panel_attention_workspace(qkv, heads, threads_);
  }

 private:
  const Threads threads_;
};

class DnnlMemory final : public MemoryModel {
 public:
  DnnlMemory(Numerics numerics, const Threads& threads) : MemoryModel(numerics), threads_(threads) {}

  size_t conv2d_workspace(const Shape& x, const Conv2dSpec& spec) const override {
    return dnnl_conv2d_workspace(x, spec);
  }
  size_t linear_workspace(const Shape& x, int64_t out, const LinearOptions& options) const override {
    return dnnl_linear_workspace(x, out, options.layer_norm != nullptr);
  }
  size_t feed_forward_workspace(const Shape& x, int64_t inner, const FeedForwardOptions&) const override {
    return dnnl_feed_forward_workspace(x, inner);
  }
  size_t attention_workspace(const Shape& qkv, int64_t heads) const override {
    return dnnl_attention_workspace(qkv, heads, threads_);
  }

 private:
  const Threads threads_;
};

}  // namespace

std::unique_ptr<MemoryModel> make_memory_model(Numerics numerics, const Threads& threads) {
  if (numerics.weights == DType::bf16) return std::make_unique<PanelMemory>(numerics, threads);
  return std::make_unique<DnnlMemory>(numerics, threads);
}

}  // namespace svd::cpu
