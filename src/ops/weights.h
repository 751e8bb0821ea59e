// Weights as the operations want them: a specification that models and checks read, and a packed form that only the
// backend which made it understands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace svd {

// What a weight does in its network. A backend may choose by it what it stores the weight as; those of today do not.
enum class WeightRole {
  edge,           // first and last layers, which meet pictures or latents
  norm,           // gamma and beta of GroupNorm and LayerNorm
  embedding,      // of the vectors that steer the network, and CLIP's table of positions
  projection,     // into and out of attention, and between widths
  feed_forward,   // of the gated feed-forwards and CLIP's
  convolution,    // over the image
  temporal_conv,  // over neighbouring frames
};

// A weight tensor as the checkpoint holds it: a view into a mapped file or a generated buffer, of f32, bf16 or f16. An
// element's value is what is stored times the scale of its output, where there are scales. data is null while planning.
struct RawWeight {
  Shape shape;
  DType type = DType::f32;
  const std::byte* data = nullptr;
  WeightRole role = WeightRole::projection;
  std::span<const float> scales = {};  // [shape[0]], or none
};

// The values, times `scale`.
std::vector<float> to_floats(const RawWeight& weight, float scale = 1.0f);

// A backend's own form of the weights of one operation. Constant to everyone else. A backend may keep caches in it that
// it fills while it runs (the cpu backend in float32: oneDNN's primitives for each size of image, and once, at the
// first, the layout that suits it), so weights are used by one operation of their backend at a time.
class PackedWeights {
 public:
  virtual ~PackedWeights() = default;
};

struct Conv2dSpec {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 3;  // height and width
  int64_t stride = 1;
  int64_t pad_before = 1;  // zero rows above and columns left of the image
  int64_t pad_after = 1;   // zero rows below and columns right of it
  bool upsample = false;   // the input is first doubled in both directions, each pixel repeated
};

// Kernel [out, in, kernel, kernel] and bias [out].
struct Conv2dWeights {
  Conv2dSpec spec;
  std::unique_ptr<PackedWeights> packed;
};

// Convolution over three neighbouring frames, zeros beyond the ends: kernel [out, in, 3, 1, 1] and bias [out].
struct TemporalConvWeights {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  std::unique_ptr<PackedWeights> packed;
};

// y = W x + b for many rows, W [out, in]; several matrices of the same input may be stacked (q, k and v).
struct LinearWeights {
  int64_t in_features = 0;
  int64_t out_features = 0;
  std::unique_ptr<PackedWeights> packed;
};

// The same for a few float32 rows (time embeddings, context vectors): the rows are never rounded to 16 bits.
struct VectorLinearWeights {
  int64_t in_features = 0;
  int64_t out_features = 0;
  std::unique_ptr<PackedWeights> packed;
};

// GroupNorm or LayerNorm: gamma [C] and beta [C], in float32 everywhere.
struct NormWeights {
  int64_t channels = 0;
  float epsilon = 1e-5f;
  std::unique_ptr<PackedWeights> packed;
};

// x + W2 (value * gelu(gate)) + b2 with [value; gate] = W1 LayerNorm(x) + b1; W1 [2 inner, width], W2 [width, inner].
struct FeedForwardWeights {
  int64_t width = 0;
  int64_t inner = 0;
  NormWeights norm;
  std::unique_ptr<PackedWeights> packed;
};

}  // namespace svd
