// Weights as the operations want them: a specification that models and checks read, and a packed form that only the
// backend which made it understands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace svd {

// A weight tensor as the checkpoint holds it: a view into a mapped file or a generated buffer. Only f32 and bf16
// (readers convert float16). data is null while planning.
struct RawWeight {
  Shape shape;
  DType type = DType::f32;
  const std::byte* data = nullptr;
};

// A backend's own form of the weights of one operation. Immutable to everyone but that backend.
class PackedWeights {
 public:
  virtual ~PackedWeights() = default;
};

struct Conv2dSpec {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t kernel = 3;  // height and width
  int64_t stride = 1;
  int64_t pad_before = 1;  // zero rows above and columns left of the picture
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

// GroupNorm or LayerNorm: gamma and beta per channel, in float32 everywhere.
struct NormWeights {
  std::vector<float> gamma;  // [C]
  std::vector<float> beta;   // [C]
  float epsilon = 1e-5f;
  int64_t channels() const { return static_cast<int64_t>(gamma.size()); }
};

// x + W2 (value * gelu(gate)) + b2 with [value; gate] = W1 LayerNorm(x) + b1; W1 [2 inner, width], W2 [width, inner].
struct FeedForwardWeights {
  int64_t width = 0;
  int64_t inner = 0;
  NormWeights norm;
  std::unique_ptr<PackedWeights> packed;
};

}  // namespace svd
