// What follows a product, for CPUs that do not multiply bfloat16: bias, activation, gate, frame bias, residual and
// blend on float32 sums, then one rounding.
#include "backends/cpu/kernels/matrix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/finish.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

void finish_strip(const float* sums, int64_t rows, const Finish& f, const bf16* residual, const bf16* other,
                  int64_t row_stride, bf16* y) {
  const F f32;
  const V other_share = hn::Set(f32, f.other_share), own_share = hn::Set(f32, 1.0f - f.other_share);
  for (int64_t row = 0; row < rows; ++row) {
    const float* sum = sums + row * kPanelColumns;
    const int64_t start = row * row_stride;
    const auto value_at = [&](int64_t c, auto load_some) {
      V value = load(sum + c);  // whole: a strip has 64 sums
      if (f.bias) value = hn::Add(value, load(f.bias + c));
      if (f.gate == Gate::gelu) {
        V gate = load(sum + kPanelColumns / 2 + c);
        if (f.bias) gate = hn::Add(gate, load(f.bias + kPanelColumns / 2 + c));
        value = hn::Mul(value, gelu(gate));
      }
      if (f.silu) value = silu(value);
      if (f.gelu) value = gelu(value);
      if (f.frame_bias) value = hn::Add(value, load_some(f.frame_bias + c));
      if (residual) value = hn::Add(value, load_some(residual + start + c));
      if (other) value = hn::MulAdd(other_share, load_some(other + start + c), hn::Mul(own_share, value));
      return value;
    };
    bf16* target = y + start;
    for_vectors(
        f.columns, [&](int64_t c) { store(value_at(c, [](const auto* p) { return load(p); }), target + c); },
        [&](int64_t c, size_t count) {
          store_part(value_at(c, [&](const auto* p) { return load_part(p, count); }), target + c, count);
        });
  }
}

void gelu_in_place(float* values, int64_t n) {
  for_vectors(
      n, [&](int64_t i) { store(gelu(load(values + i)), values + i); },
      [&](int64_t i, size_t count) { store_part(gelu(load_part(values + i, count)), values + i, count); });
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(finish_strip);
HWY_EXPORT(gelu_in_place);

constinit const FinishKernel kPortableFinish{[](const float* sums, int64_t rows, const Finish& finish,
                                                const bf16* residual, const bf16* other, int64_t row_stride, bf16* y) {
                                               HWY_DYNAMIC_DISPATCH(finish_strip)
                                               (sums, rows, finish, residual, other, row_stride, y);
                                             },
                                             [] {},  // nothing is streamed
                                             [](float* values, int64_t n) {
                                               HWY_DYNAMIC_DISPATCH(gelu_in_place)
                                               (values, n);
                                             }};

}  // namespace svd::kernels
#endif
