// Matrix times vector, for the few rows that steer the network. Bound by reading the matrix.
#include "backends/cpu/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/matvec.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

template <typename T>
void matvec_impl(const T* w, const float* x, int64_t outputs, int64_t inputs, float* y) {
  const F f32;
  const int64_t step = static_cast<int64_t>(lanes());
  for (int64_t o = 0; o < outputs; ++o, w += inputs) {
    V even = hn::Zero(f32), odd = hn::Zero(f32);  // two chains hide the latency of the multiply-add
    int64_t i = 0;
    for (; i + 2 * step <= inputs; i += 2 * step) {
      even = hn::MulAdd(load(w + i), load(x + i), even);
      odd = hn::MulAdd(load(w + i + step), load(x + i + step), odd);
    }
    for_vectors(
        inputs - i, [&](int64_t k) { even = hn::MulAdd(load(w + i + k), load(x + i + k), even); },
        [&](int64_t k, size_t count) {
          even = hn::MulAdd(load_part(w + i + k, count), load_part(x + i + k, count), even);
        });
    y[o] = hn::GetLane(hn::SumOfLanes(f32, hn::Add(even, odd)));
  }
}

void matvec_f32(const float* w, const float* x, int64_t outputs, int64_t inputs, float* y) {
  matvec_impl(w, x, outputs, inputs, y);
}

void matvec_bf16(const bf16* w, const float* x, int64_t outputs, int64_t inputs, float* y) {
  matvec_impl(w, x, outputs, inputs, y);
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(matvec_f32);
template <>
void matvec(const float* w, const float* x, int64_t outputs, int64_t inputs, float* y) {
  HWY_DYNAMIC_DISPATCH(matvec_f32)(w, x, outputs, inputs, y);
}

HWY_EXPORT(matvec_bf16);
template <>
void matvec(const bf16* w, const float* x, int64_t outputs, int64_t inputs, float* y) {
  HWY_DYNAMIC_DISPATCH(matvec_bf16)(w, x, outputs, inputs, y);
}

}  // namespace svd::kernels
#endif
