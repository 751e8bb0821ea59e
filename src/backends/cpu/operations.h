// The operations of the CPU backend as functions, one file per family. Arguments are already checked (ops/backend.cpp).
#pragma once

#include "backends/cpu/attention.h"
#include "backends/cpu/dnnl_support.h"
#include "ops/backend.h"

namespace svd::cpu {

// ---- convolution.cpp; as with products, there are oneDNN's convolutions and our own
class PackedConvolution : public PackedWeights {
 public:
  virtual Tensor run(Context&, const Tensor& x, const Shape& result, ConvOptions) = 0;
};
std::unique_ptr<PackedWeights> pack_conv2d(Context&, const Conv2dSpec&, const RawWeight& kernel, const RawWeight* bias);
std::unique_ptr<PackedWeights> pack_temporal_conv(Context&, const RawWeight& kernel, const RawWeight& bias,
                                                  float scale);
Tensor convolve(Context&, const Tensor& x, PackedWeights&, const Shape& result, ConvOptions);

// ---- products.cpp; there are two kinds of packed products, oneDNN's and those of our own matrix kernel
class PackedLinear : public PackedWeights {
 public:
  virtual Tensor run(Context&, const Tensor& x, const Shape& result, LinearOptions) = 0;
};
class PackedFeedForward : public PackedWeights {
 public:
  virtual Tensor run(Context&, Operand x, const NormWeights&, const FeedForwardOptions&) = 0;
};
std::unique_ptr<PackedWeights> pack_linear(Context&, std::span<const RawWeight> matrices,
                                           std::span<const RawWeight> biases);
std::unique_ptr<PackedWeights> pack_vector_linear(Context&, const RawWeight& matrix, const RawWeight* bias);
std::unique_ptr<PackedWeights> pack_feed_forward(Context&, const RawWeight& w1, const RawWeight& b1,
                                                 const RawWeight& w2, const RawWeight& b2);
Tensor linear(Context&, const Tensor& x, const LinearWeights&, const Shape& result, LinearOptions);
Tensor vector_linear(Context&, const Tensor& x, const VectorLinearWeights&, const VectorLinearOptions&);
Tensor feed_forward(Context&, Operand x, const FeedForwardWeights&, const FeedForwardOptions&);

// ---- attention.cpp
Tensor attention(Context&, AttentionCache&, const Tensor& qkv, const Shape& result, int64_t heads);
Tensor temporal_attention(Context&, const Tensor& qkv, const Shape& result, int64_t heads);

// ---- elementwise.cpp
Tensor group_norm(Context&, const Tensor& x, const NormWeights&, const GroupNormOptions&);
Tensor layer_norm(Context&, const Tensor& x, const NormWeights&);
// On rows of f32 or bf16; y may be x.
void layer_norm_rows(const Context&, DType type, const std::byte* x, int64_t rows, const NormWeights&, std::byte* y);
Tensor to_channels_last(Context&, const Tensor& planar);
Tensor to_planar(Context&, const Tensor& x);
Tensor embed_tokens(Context&, const Tensor& patches, const Tensor& class_embedding, const Tensor& positions);
Tensor first_token(Context&, const Tensor& x);
Tensor concat_channels(Context&, const Tensor& a, const Tensor& b, const Shape& result);
void copy(const Context&, const Tensor& from, Tensor& to);
// x + shift, shift [1 or T, C]; in float32 (in bfloat16 the shift is added with what follows a product)
Tensor add_shift(Context&, Operand x, const Tensor& shift);

// ---- What several of these files need

// How many blocks of a size cover n.
constexpr int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

// The row of a shift [1 or T, C] for a frame; null for none.
inline const float* shift_row(const Tensor* shift, int64_t frame) {
  if (!shift) return nullptr;
  return shift->data<float>().data() + (shift->shape()[0] == 1 ? 0 : frame * shift->shape()[1]);
}

// Calls body with a null pointer of the element type of activations: body(T*).
template <typename Body>
decltype(auto) with_element_type(DType type, const Body& body) {
  return type == DType::bf16 ? body(static_cast<bf16*>(nullptr)) : body(static_cast<float*>(nullptr));
}

}  // namespace svd::cpu
