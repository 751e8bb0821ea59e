// What the operations are defined to compute: the formulas, element by element in float64. No code is shared with any
// backend. An empty Array stands for an absent operand.
#pragma once

#include <cstdint>
#include <vector>

#include "array.h"
#include "ops/backend.h"

namespace svd::test {

// GroupNorm's or LayerNorm's weights; float32 in every backend.
struct NormValues {
  std::vector<float> gamma, beta;  // [C]
  float epsilon;
  int64_t channels() const { return static_cast<int64_t>(gamma.size()); }
};
NormValues make_norm(int64_t channels, uint32_t seed, float epsilon = 1e-5f);

double expected_activation(Activation activation, double x);

// x [T, H, W, in], kernel [out, in, k, k], bias [out] or none: [T, H', W', out]
Array expected_conv2d(const Array& x, const Conv2dSpec& spec, const Array& kernel, const Array& bias);

// x [T, H, W, in], kernel [out, in, 3, 1, 1], bias [out]: [T, H, W, out]
Array expected_temporal_conv(const Array& x, const Array& kernel, const Array& bias, double scale);

// x [..., in], matrix [out, in], bias [out] or none: [rows, out]
Array expected_linear(const Array& x, const Array& matrix, const Array& bias);

// x [T, ..., C] plus frame bias [1 or T, C]
Array expected_with_frame_bias(const Array& x, const Array& frame_bias);

// x [T, ..., C]
Array expected_group_norm(const Array& x, const NormValues& w, NormSpan span, Activation activation);

// x [..., C]
Array expected_layer_norm(const Array& x, const NormValues& w);

// x [..., width], w1 [2 inner, width], b1 [2 inner], w2 [width, inner], b2 [width]; without frame bias and blend
Array expected_feed_forward(const Array& x, const NormValues& norm, const Array& w1, const Array& b1, const Array& w2,
                            const Array& b2);

// qkv [frames, tokens, 3C]: [frames, tokens, C]
Array expected_attention(const Array& qkv, int64_t heads);
Array expected_temporal_attention(const Array& qkv, int64_t heads);

// a + b, of as many elements
Array sum_of(const Array& a, const Array& b);

}  // namespace svd::test
