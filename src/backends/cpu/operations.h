// The operations of the CPU backend as functions, one file per family. Arguments are already checked (ops/backend.cpp).
#pragma once

#include <vector>

#include "backends/cpu/attention.h"
#include "backends/cpu/runtime.h"
#include "ops/backend.h"

namespace svd::cpu {

// ---- convolution.cpp; as with products, there are oneDNN's convolutions and our own
class PackedConvolution : public PackedWeights {
 public:
  virtual Tensor run(Runtime&, const Tensor& x, const Shape& shape, ConvOptions) = 0;
};
std::unique_ptr<PackedWeights> pack_conv2d(Runtime&, const Conv2dSpec&, const RawWeight& kernel, const RawWeight* bias);
std::unique_ptr<PackedWeights> pack_temporal_conv(Runtime&, const RawWeight& kernel, const RawWeight& bias,
                                                  float scale);
Tensor convolve(Runtime&, const Tensor& x, PackedWeights&, const Shape& shape, ConvOptions);

// ---- products.cpp; there are two kinds of packed products, oneDNN's and those of our own matrix kernel
class PackedLinear : public PackedWeights {
 public:
  virtual Tensor run(Runtime&, const Tensor& x, const Shape& shape, LinearOptions) = 0;
};
class PackedFeedForward : public PackedWeights {
 public:
  virtual Tensor run(Runtime&, Operand x, const NormWeights&, const FeedForwardOptions&) = 0;
};
std::unique_ptr<PackedWeights> pack_linear(Runtime&, std::span<const RawWeight> matrices,
                                           std::span<const RawWeight> biases);
std::unique_ptr<PackedWeights> pack_vector_linear(Runtime&, const RawWeight& matrix, const RawWeight* bias);
std::unique_ptr<PackedWeights> pack_feed_forward(Runtime&, const RawWeight& w1, const RawWeight& b1,
                                                 const RawWeight& w2, const RawWeight& b2);
Tensor linear(Runtime&, const Tensor& x, const LinearWeights&, const Shape& shape, LinearOptions);
Tensor vector_linear(Runtime&, const Tensor& x, const VectorLinearWeights&, const VectorLinearOptions&);
Tensor feed_forward(Runtime&, Operand x, const FeedForwardWeights&, const FeedForwardOptions&);

// ---- attention.cpp
Tensor attention(Runtime&, AttentionCache&, const Tensor& qkv, const Shape& shape, int64_t heads);
Tensor temporal_attention(Runtime&, const Tensor& qkv, const Shape& shape, int64_t heads);

// ---- norms.cpp
struct PackedNorm final : PackedWeights {
  std::vector<float> gamma, beta;  // [C]
};
inline const PackedNorm& values_of(const NormWeights& w) { return static_cast<const PackedNorm&>(*w.packed); }
std::unique_ptr<PackedWeights> pack_norm(const RawWeight& gamma, const RawWeight& beta);
Tensor group_norm(Runtime&, const Tensor& x, const NormWeights&, const GroupNormOptions&);
Tensor group_norm_moments(Runtime&, const Tensor& x, const GroupNormOptions&);
Tensor layer_norm(Runtime&, const Tensor& x, const NormWeights&);
// On rows of f32 or bf16; y may be x.
void layer_norm_rows(const Runtime&, DType type, const std::byte* x, int64_t rows, const NormWeights&, std::byte* y);

// ---- elementwise.cpp
Tensor to_channels_last(Runtime&, const Tensor& planar);
Tensor to_planar(Runtime&, const Tensor& x);
Tensor embed_tokens(Runtime&, const Tensor& patches, const Tensor& class_embedding, const Tensor& positions);
Tensor first_token(Runtime&, const Tensor& x);
Tensor concat_channels(Runtime&, const Tensor& a, const Tensor& b, const Shape& shape);
void place_frames(const Runtime&, const Tensor& x, int64_t first, Tensor& whole);
// x + frame bias, frame bias [1 or T, C]; in float32 (in bfloat16 the frame bias is added with what follows a product)
Tensor add_frame_bias(Runtime&, Operand x, const Tensor& frame_bias);

// ---- What several of these files need

// The memory of a result: the residual's own where that may be used up.
inline Tensor result_tensor(Runtime& runtime, const Shape& shape, Operand& residual) {
  return residual.owns() ? residual.take() : Tensor(runtime.pool, shape, runtime.numerics.activations);
}

// A bias times scale in float32; empty for none.
inline std::vector<float> bias_values(const RawWeight* bias, float scale = 1.0f) {
  return bias ? to_floats(*bias, scale) : std::vector<float>();
}

// How many blocks of a size cover n.
constexpr int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

// The row of a frame bias [1 or T, C] for a frame; null for none.
inline const float* frame_bias_row(const Tensor* frame_bias, int64_t frame) {
  if (!frame_bias) return nullptr;
  return frame_bias->data<float>().data() + (frame_bias->shape()[0] == 1 ? 0 : frame * frame_bias->shape()[1]);
}

// Calls body with a null pointer of the element type of activations: body(T*).
template <typename Body>
decltype(auto) with_element_type(DType type, const Body& body) {
  return type == DType::bf16 ? body(static_cast<bf16*>(nullptr)) : body(static_cast<float*>(nullptr));
}

}  // namespace svd::cpu
