// Sums, blends and conversions of rows.
#include "backends/cpu/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

// y[i] = f(a[i], b[i]) over two inputs of any of the element types.
template <typename A, typename B, typename Y, typename Function>
void map(const A* a, const B* b, int64_t n, Y* y, const Function& f) {
  for_vectors(
      n, [&](int64_t i) { store(f(load(a + i), load(b + i)), y + i); },
      [&](int64_t i, size_t count) { store_part(f(load_part(a + i, count), load_part(b + i, count)), y + i, count); });
}

void blend_impl(const float* other, float weight, int64_t n, float* y) {
  const V w = hn::Set(F(), weight);
  map(other, y, n, y, [&](V o, V r) { return hn::MulAdd(w, hn::Sub(o, r), r); });
}

template <typename T>
void add_row_impl(const T* x, const float* added, int64_t rows, int64_t channels, T* y) {
  for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
    map(x, added, channels, y, [](V a, V b) { return hn::Add(a, b); });
  }
}

template <typename X, typename Y>
void copy_impl(const X* x, int64_t n, Y* y) {
  for_vectors(
      n, [&](int64_t i) { store(load(x + i), y + i); },
      [&](int64_t i, size_t count) { store_part(load_part(x + i, count), y + i, count); });
}

#define SVD_KERNELS_FOR(T, SUFFIX)                                                              \
  void add_row_##SUFFIX(const T* x, const float* added, int64_t rows, int64_t channels, T* y) { \
    add_row_impl(x, added, rows, channels, y);                                                  \
  }                                                                                             \
  void from_f32_##SUFFIX(const float* x, int64_t n, T* y) { copy_impl(x, n, y); }               \
  void to_f32_##SUFFIX(const T* x, int64_t n, float* y) { copy_impl(x, n, y); }
SVD_KERNELS_FOR(float, f32)
SVD_KERNELS_FOR(bf16, bf16)
#undef SVD_KERNELS_FOR

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(blend_impl);
void blend(const float* other, float weight, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(blend_impl)(other, weight, n, y);
}

#define SVD_KERNELS_FOR(T, SUFFIX)                                                     \
  HWY_EXPORT(add_row_##SUFFIX);                                                        \
  HWY_EXPORT(from_f32_##SUFFIX);                                                       \
  HWY_EXPORT(to_f32_##SUFFIX);                                                         \
  template <>                                                                          \
  void add_row(const T* x, const float* added, int64_t rows, int64_t channels, T* y) { \
    HWY_DYNAMIC_DISPATCH(add_row_##SUFFIX)(x, added, rows, channels, y);               \
  }                                                                                    \
  template <>                                                                          \
  void from_f32(const float* x, int64_t n, T* y) {                                     \
    HWY_DYNAMIC_DISPATCH(from_f32_##SUFFIX)(x, n, y);                                  \
  }                                                                                    \
  template <>                                                                          \
  void to_f32(const T* x, int64_t n, float* y) {                                       \
    HWY_DYNAMIC_DISPATCH(to_f32_##SUFFIX)(x, n, y);                                    \
  }
SVD_KERNELS_FOR(float, f32)
SVD_KERNELS_FOR(bf16, bf16)
#undef SVD_KERNELS_FOR

}  // namespace svd::kernels
#endif
