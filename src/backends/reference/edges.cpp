// The edges of a network, and rearrangement.
#include <algorithm>

#include "backends/reference/backend_class.h"

namespace svd::reference {

Tensor ReferenceBackend::do_to_channels_last(const Tensor& planar) {
  const Shape& s = planar.shape();
  const int64_t count = s[0], channels = s[1], height = s[2], width = s[3];
  const int64_t plane = height * width;
  Tensor result = new_result({count, height, width, channels});  // [N, H, W, C]
  const float* in = planar.data<float>().data();
  float* out = result.data<float>().data();
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t p = 0; p < plane; ++p) {
      for (int64_t c = 0; c < channels; ++c) out[(n * plane + p) * channels + c] = in[(n * channels + c) * plane + p];
    }
  }
  return result;
}

Tensor ReferenceBackend::do_to_planar(const Tensor& x) {
  const Shape& s = x.shape();
  const int64_t count = s[0], height = s[1], width = s[2], channels = s[3];
  const int64_t plane = height * width;
  Tensor result = allocate({count, channels, height, width}, DType::f32);  // [N, C, H, W]
  const float* in = x.data<float>().data();
  float* out = result.data<float>().data();
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t p = 0; p < plane; ++p) {
      for (int64_t c = 0; c < channels; ++c) out[(n * channels + c) * plane + p] = in[(n * plane + p) * channels + c];
    }
  }
  return result;
}

Tensor ReferenceBackend::do_embed_tokens(const Tensor& patches, const Tensor& class_embedding,
                                         const Tensor& positions) {
  const int64_t channels = patches.shape().back();
  const int64_t tokens = 1 + patches.shape().rows();
  Tensor result = new_result({1, tokens, channels});  // [1, 1 + g*g, C]
  const std::span<float> y = result.data<float>();
  std::ranges::copy(class_embedding.data<float>(), y.begin());
  std::ranges::copy(patches.data<float>(), y.begin() + channels);
  const std::span<const float> added = positions.data<float>();
  for (size_t i = 0; i < y.size(); ++i) y[i] += added[i];
  return result;
}

Tensor ReferenceBackend::do_first_token(const Tensor& x) {
  const int64_t channels = x.shape().back();
  Tensor result = allocate({1, channels}, DType::f32);  // [1, C]
  std::ranges::copy(x.data<float>().first(static_cast<size_t>(channels)), result.data<float>().begin());
  return result;
}

Tensor ReferenceBackend::do_concat_channels(const Tensor& a, const Tensor& b, const Shape& result_shape) {
  Tensor result = new_result(result_shape);  // [..., Ca + Cb]
  const int64_t a_channels = a.shape().back(), b_channels = b.shape().back();
  const float* a_row = a.data<float>().data();
  const float* b_row = b.data<float>().data();
  float* out = result.data<float>().data();
  for (int64_t row = 0; row < result_shape.rows(); ++row, a_row += a_channels, b_row += b_channels) {
    out = std::copy_n(a_row, a_channels, out);
    out = std::copy_n(b_row, b_channels, out);
  }
  return result;
}

void ReferenceBackend::do_place_frames(const Tensor& x, int64_t first, Tensor& whole) {
  const size_t frame_bytes = x.bytes() / static_cast<size_t>(x.shape()[0]);
  std::copy_n(x.raw(), x.bytes(), whole.raw() + static_cast<size_t>(first) * frame_bytes);
}

}  // namespace svd::reference
