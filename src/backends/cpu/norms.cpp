// GroupNorm and LayerNorm as operations of their own.
#include <algorithm>

#include "backends/cpu/group_norm.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/operations.h"

namespace svd::cpu {
namespace {

template <typename T>
Tensor group_norm(Runtime& runtime, const Tensor& x, const NormWeights& w, const GroupNormOptions& options) {
  const int64_t frames = x.shape()[0], rows = x.shape().rows() / frames, channels = w.channels;
  const std::vector<ChannelAffine> affine = group_norm_affine(runtime, x, w, options);
  const T* source = x.data<T>().data();
  Tensor y(runtime.pool, x.shape(), runtime.numerics.activations);  // as x
  T* target = y.data<T>().data();
  runtime.threads.for_ranges(frames * rows, [&](int64_t begin, int64_t end) {
    while (begin < end) {  // frame by frame
      const int64_t frame = begin / rows, stop = std::min(end, (frame + 1) * rows);
      const ChannelAffine& a = affine[static_cast<size_t>(frame)];
      kernels::normalise(source + begin * channels, stop - begin, channels, a.mean.data(), a.scale.data(),
                         a.offset.data(), options.activation == Activation::silu, target + begin * channels);
      begin = stop;
    }
  });
  return y;
}

}  // namespace

std::unique_ptr<PackedWeights> pack_norm(const RawWeight& gamma, const RawWeight& beta) {
  auto packed = std::make_unique<PackedNorm>();
  packed->gamma = to_floats(gamma);
  packed->beta = to_floats(beta);
  return packed;
}

Tensor group_norm(Runtime& runtime, const Tensor& x, const NormWeights& w, const GroupNormOptions& options) {
  return with_element_type(runtime.numerics.activations,
                           [&]<typename T>(T*) { return group_norm<T>(runtime, x, w, options); });
}

void layer_norm_rows(const Runtime& runtime, DType type, const std::byte* x, int64_t rows, const NormWeights& w,
                     std::byte* y) {
  const int64_t channels = w.channels;
  const PackedNorm& affine = values_of(w);
  with_element_type(type, [&]<typename T>(T*) {
    runtime.threads.for_ranges(rows, [&](int64_t begin, int64_t end) {
      kernels::layer_norm(reinterpret_cast<const T*>(x) + begin * channels, nullptr, end - begin, channels,
                          affine.gamma.data(), affine.beta.data(), w.epsilon,
                          reinterpret_cast<T*>(y) + begin * channels);
    });
  });
}

Tensor layer_norm(Runtime& runtime, const Tensor& x, const NormWeights& w) {
  Tensor y(runtime.pool, x.shape(), x.type());  // as x
  layer_norm_rows(runtime, x.type(), x.raw(), x.shape().rows(), w, y.raw());
  return y;
}

Tensor group_norm_moments(Runtime& runtime, const Tensor& x, const GroupNormOptions& options) {
  const std::vector<GroupMoments> moments = group_moments(runtime, x, options);
  Tensor result(runtime.pool, {static_cast<int64_t>(moments.size()), kNormGroups, 2},
                DType::f32);  // [1 or T, groups, 2]
  float* target = result.data<float>().data();
  for (const GroupMoments& m : moments) {
    for (size_t group = 0; group < kNormGroups; ++group) {
      *target++ = static_cast<float>(m.mean[group]);
      *target++ = static_cast<float>(m.variance[group]);
    }
  }
  return result;
}

}  // namespace svd::cpu
