// Statistics and application of GroupNorm and LayerNorm over channels-last rows.
#include "backends/cpu/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

template <typename T>
void accumulate_moments_impl(const T* x, const float* added, int64_t rows, int64_t channels, float* sums,
                             float* squares) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    for_vectors(
        channels,
        [&](int64_t c) {
          V v = load(x + c);
          if (added) v = hn::Add(v, load(added + c));
          store(hn::Add(load(sums + c), v), sums + c);
          store(hn::MulAdd(v, v, load(squares + c)), squares + c);
        },
        [&](int64_t c, size_t count) {
          V v = load_part(x + c, count);
          if (added) v = hn::Add(v, load_part(added + c, count));
          store_part(hn::Add(load_part(sums + c, count), v), sums + c, count);
          store_part(hn::MulAdd(v, v, load_part(squares + c, count)), squares + c, count);
        });
  }
}

template <typename T>
void normalise_impl(const T* x, int64_t rows, int64_t channels, const float* mean, const float* scale,
                    const float* offset, bool with_silu, T* y) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    for_vectors(
        channels,
        [&](int64_t c) {
          const V v = hn::MulAdd(hn::Sub(load(x + c), load(mean + c)), load(scale + c), load(offset + c));
          store(with_silu ? silu(v) : v, y + c);
        },
        [&](int64_t c, size_t count) {
          const V centred = hn::Sub(load_part(x + c, count), load_part(mean + c, count));
          const V v = hn::MulAdd(centred, load_part(scale + c, count), load_part(offset + c, count));
          store_part(with_silu ? silu(v) : v, y + c, count);
        });
  }
}

template <typename T>
void layer_norm_impl(const T* x, const float* added, int64_t rows, int64_t channels, const float* gamma,
                     const float* beta, float epsilon, T* y) {
  const F f32;
  const float inverse = 1.0f / static_cast<float>(channels);
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    const auto value = [&](int64_t c) { return added ? hn::Add(load(x + c), load(added + c)) : load(x + c); };
    const auto value_part = [&](int64_t c, size_t count) {
      const V v = load_part(x + c, count);
      return added ? hn::Add(v, load_part(added + c, count)) : v;
    };
    // The mean first and the variance from the differences: a row is in the first-level cache, the second pass is free.
    V sum = hn::Zero(f32);
    for_vectors(
        channels, [&](int64_t c) { sum = hn::Add(sum, value(c)); },
        [&](int64_t c, size_t count) { sum = hn::Add(sum, value_part(c, count)); });
    const V mean = hn::Set(f32, hn::GetLane(hn::SumOfLanes(f32, sum)) * inverse);
    V square = hn::Zero(f32);
    for_vectors(
        channels,
        [&](int64_t c) {
          const V d = hn::Sub(value(c), mean);
          square = hn::MulAdd(d, d, square);
        },
        [&](int64_t c, size_t count) {
          const V d = hn::IfThenElseZero(hn::FirstN(f32, count), hn::Sub(value_part(c, count), mean));
          square = hn::MulAdd(d, d, square);
        });
    const float variance = hn::GetLane(hn::SumOfLanes(f32, square)) * inverse;
    const V scale = hn::Set(f32, 1.0f / std::sqrt(variance + epsilon));
    for_vectors(
        channels,
        [&](int64_t c) {
          const V v = hn::Mul(hn::Sub(value(c), mean), scale);
          store(hn::MulAdd(v, load(gamma + c), load(beta + c)), y + c);
        },
        [&](int64_t c, size_t count) {
          const V v = hn::Mul(hn::Sub(value_part(c, count), mean), scale);
          store_part(hn::MulAdd(v, load_part(gamma + c, count), load_part(beta + c, count)), y + c, count);
        });
  }
}

#define SVD_KERNELS_FOR(T, SUFFIX)                                                                              \
  void accumulate_moments_##SUFFIX(const T* x, const float* added, int64_t rows, int64_t channels, float* sums, \
                                   float* squares) {                                                            \
    accumulate_moments_impl(x, added, rows, channels, sums, squares);                                           \
  }                                                                                                             \
  void normalise_##SUFFIX(const T* x, int64_t rows, int64_t channels, const float* mean, const float* scale,    \
                          const float* offset, bool with_silu, T* y) {                                          \
    normalise_impl(x, rows, channels, mean, scale, offset, with_silu, y);                                       \
  }                                                                                                             \
  void layer_norm_##SUFFIX(const T* x, const float* added, int64_t rows, int64_t channels, const float* gamma,  \
                           const float* beta, float epsilon, T* y) {                                            \
    layer_norm_impl(x, added, rows, channels, gamma, beta, epsilon, y);                                         \
  }
SVD_KERNELS_FOR(float, f32)
SVD_KERNELS_FOR(bf16, bf16)
#undef SVD_KERNELS_FOR

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

#define SVD_KERNELS_FOR(T, SUFFIX)                                                                     \
  HWY_EXPORT(accumulate_moments_##SUFFIX);                                                             \
  HWY_EXPORT(normalise_##SUFFIX);                                                                      \
  HWY_EXPORT(layer_norm_##SUFFIX);                                                                     \
  template <>                                                                                          \
  void accumulate_moments(const T* x, const float* added, int64_t rows, int64_t channels, float* sums, \
                          float* squares) {                                                            \
    HWY_DYNAMIC_DISPATCH(accumulate_moments_##SUFFIX)(x, added, rows, channels, sums, squares);        \
  }                                                                                                    \
  template <>                                                                                          \
  void normalise(const T* x, int64_t rows, int64_t channels, const float* mean, const float* scale,    \
                 const float* offset, bool silu, T* y) {                                               \
    HWY_DYNAMIC_DISPATCH(normalise_##SUFFIX)(x, rows, channels, mean, scale, offset, silu, y);         \
  }                                                                                                    \
  template <>                                                                                          \
  void layer_norm(const T* x, const float* added, int64_t rows, int64_t channels, const float* gamma,  \
                  const float* beta, float epsilon, T* y) {                                            \
    HWY_DYNAMIC_DISPATCH(layer_norm_##SUFFIX)(x, added, rows, channels, gamma, beta, epsilon, y);      \
  }
SVD_KERNELS_FOR(float, f32)
SVD_KERNELS_FOR(bf16, bf16)
#undef SVD_KERNELS_FOR

}  // namespace svd::kernels
#endif
