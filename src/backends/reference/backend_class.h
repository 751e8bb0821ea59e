// The reference backend's class; its operations are defined in one file per kind.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/reference/block_matrix.h"
#include "base/parallel.h"
#include "ops/host_backend.h"

namespace svd::reference {

class ReferenceBackend final : public HostBackend {
 public:
  explicit ReferenceBackend(Threads threads) : threads_(threads) {}

  std::string describe() const override;
  Numerics numerics() const override { return {}; }  // float32 everywhere
  std::unique_ptr<Backend> make_planner() const override;

 private:
  // conv.cpp
  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel,
                                                const RawWeight* bias) override;
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias,
                                                       float scale) override;
  Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result, ConvOptions options) override;
  Tensor do_temporal_conv(const Tensor& x, const TemporalConvWeights& w, const Shape& result,
                          ConvOptions options) override;

  // products.cpp
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                std::span<const RawWeight> biases) override;
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) override;
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight& w1, const RawWeight& b1, const RawWeight& w2,
                                                      const RawWeight& b2) override;
  Tensor do_linear(const Tensor& x, const LinearWeights& w, const Shape& result, LinearOptions options) override;
  Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w, const VectorLinearOptions& options) override;
  Tensor do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) override;

  // norm.cpp
  std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight& beta) override;
  Tensor do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) override;
  Tensor do_layer_norm(const Tensor& x, const NormWeights& w) override;
  Tensor do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) override;
  // y = LayerNorm(x) of rows [rows, C].
  void normalise_rows(const float* x, int64_t rows, const NormWeights& w, float* y) const;

  // attention.cpp
  Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) override;
  Tensor do_temporal_attention(const Tensor& qkv, const Shape& result, int64_t heads) override;

  // edges.cpp
  Tensor do_to_channels_last(const Tensor& planar) override;
  Tensor do_to_planar(const Tensor& x) override;
  Tensor do_embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) override;
  Tensor do_first_token(const Tensor& x) override;
  Tensor do_concat_channels(const Tensor& a, const Tensor& b, const Shape& result) override;
  void do_place_frames(const Tensor& x, int64_t first, Tensor& whole) override;

  Threads threads_;
};

// A convolution's or product's optional addend, or null.
inline const float* residual_of(const Operand& residual) {
  return residual ? residual.get().data<float>().data() : nullptr;
}

// A frame bias's row for frame t: [C]; a frame bias has one row for all frames or a row per frame. Null when there is
// no frame bias.
inline const float* frame_bias_row(const Tensor* frame_bias, int64_t t) {
  if (!frame_bias) return nullptr;
  return frame_bias->data<float>().data() + (frame_bias->shape()[0] == 1 ? 0 : t * frame_bias->shape().back());
}

double activated(Activation activation, double x);

}  // namespace svd::reference
