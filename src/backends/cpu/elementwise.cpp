// Conversion and rearrangement: the SIMD kernels spread over the threads.
#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/operations.h"

namespace svd::cpu {
Tensor to_channels_last(Runtime& runtime, const Tensor& planar) {
  const Shape& s = planar.shape();
  const int64_t channels = s[1], pixels = s[2] * s[3];
  Tensor y(runtime.pool, {s[0], s[2], s[3], channels}, runtime.numerics.activations);  // [N, H, W, C]
  const float* source = planar.data<float>().data();
  with_element_type(runtime.numerics.activations, [&]<typename T>(T*) {
    T* target = y.data<T>().data();
    runtime.threads.for_ranges(s[0] * pixels, [&](int64_t begin, int64_t end) {
      std::vector<float> pixel(static_cast<size_t>(channels));
      for (int64_t i = begin; i < end; ++i) {
        const float* first = source + i / pixels * channels * pixels + i % pixels;
        for (int64_t c = 0; c < channels; ++c) pixel[static_cast<size_t>(c)] = first[c * pixels];
        kernels::from_f32(pixel.data(), channels, target + i * channels);
      }
    });
  });
  return y;
}

Tensor to_planar(Runtime& runtime, const Tensor& x) {
  const Shape& s = x.shape();
  const int64_t channels = s[3], pixels = s[1] * s[2];
  Tensor planar(runtime.pool, {s[0], channels, s[1], s[2]}, DType::f32);  // [N, C, H, W]
  float* target = planar.data<float>().data();
  with_element_type(runtime.numerics.activations, [&]<typename T>(T*) {
    const T* source = x.data<T>().data();
    runtime.threads.for_ranges(s[0] * pixels, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float* first = target + i / pixels * channels * pixels + i % pixels;
        for (int64_t c = 0; c < channels; ++c) first[c * pixels] = to_f32(source[i * channels + c]);
      }
    });
  });
  return planar;
}

Tensor embed_tokens(Runtime& runtime, const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) {
  const int64_t tokens = positions.shape()[0], channels = positions.shape()[1];
  Tensor y(runtime.pool, {1, tokens, channels}, runtime.numerics.activations);  // [1, 1 + g*g, C]
  const float* position = positions.data<float>().data();
  with_element_type(runtime.numerics.activations, [&]<typename T>(T*) {
    T* target = y.data<T>().data();
    std::vector<float> first(class_embedding.data<float>().begin(), class_embedding.data<float>().end());
    for (size_t c = 0; c < first.size(); ++c) first[c] += position[c];
    kernels::from_f32(first.data(), channels, target);
    for (int64_t i = 1; i < tokens; ++i) {
      kernels::add_row(patches.data<T>().data() + (i - 1) * channels, position + i * channels, 1, channels,
                       target + i * channels);
    }
  });
  return y;
}

Tensor first_token(Runtime& runtime, const Tensor& x) {
  const int64_t channels = x.shape().back();
  Tensor y(runtime.pool, {1, channels}, DType::f32);  // [1, C]
  with_element_type(runtime.numerics.activations,
                    [&]<typename T>(T*) { kernels::to_f32(x.data<T>().data(), channels, y.data<float>().data()); });
  return y;
}

Tensor concat_channels(Runtime& runtime, const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor y(runtime.pool, shape, runtime.numerics.activations);  // [..., Ca + Cb]
  const size_t element = size_of(runtime.numerics.activations);
  const size_t a_bytes = static_cast<size_t>(a.shape().back()) * element;
  const size_t b_bytes = static_cast<size_t>(b.shape().back()) * element;
  runtime.threads.for_ranges(shape.rows(), [&](int64_t begin, int64_t end) {
    for (size_t row = static_cast<size_t>(begin); row < static_cast<size_t>(end); ++row) {
      std::byte* target = y.raw() + row * (a_bytes + b_bytes);
      std::copy_n(a.raw() + row * a_bytes, a_bytes, target);
      std::copy_n(b.raw() + row * b_bytes, b_bytes, target + a_bytes);
    }
  });
  return y;
}

void place_frames(const Runtime& runtime, const Tensor& x, int64_t first, Tensor& whole) {
  const size_t frame_bytes = x.bytes() / static_cast<size_t>(x.shape()[0]);
  std::byte* target = whole.raw() + static_cast<size_t>(first) * frame_bytes;
  runtime.threads.for_ranges(static_cast<int64_t>(x.bytes()), [&](int64_t begin, int64_t end) {
    std::copy(x.raw() + begin, x.raw() + end, target + begin);
  });
}

Tensor add_frame_bias(Runtime& runtime, Operand x, const Tensor& frame_bias) {
  const Tensor* borrowed = x.owns() ? nullptr : &x.get();
  const Shape shape = x.get().shape();
  Tensor y = x.owns() ? x.take() : Tensor(runtime.pool, shape, runtime.numerics.activations);  // as x
  const Tensor& source = borrowed ? *borrowed : y;
  const int64_t channels = shape.back(), frames = shape[0], rows = shape.rows() / frames;
  runtime.threads.for_ranges(frames * rows, [&](int64_t begin, int64_t end) {
    while (begin < end) {  // frame by frame
      const int64_t frame = begin / rows, stop = std::min(end, (frame + 1) * rows);
      kernels::add_row(source.data<float>().data() + begin * channels, frame_bias_row(&frame_bias, frame), stop - begin,
                       channels, y.data<float>().data() + begin * channels);
      begin = stop;
    }
  });
  return y;
}

}  // namespace svd::cpu
