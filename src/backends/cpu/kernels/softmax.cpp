// The element-wise half of blocked attention: the products around it are oneDNN's (../attention.cpp).
#include "backends/cpu/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/softmax.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

inline float row_maximum(const float* s, int64_t n) {
  const F f32;
  const V lowest = hn::Set(f32, -3.0e38f);
  V m = lowest;
  for_vectors(
      n, [&](int64_t i) { m = hn::Max(m, load(s + i)); },
      [&](int64_t i, size_t count) {
        m = hn::Max(m, hn::IfThenElse(hn::FirstN(f32, count), load_part(s + i, count), lowest));
      });
  return hn::GetLane(hn::MaxOfLanes(f32, m));
}

void softmax_block_impl(const float* scores, int64_t rows, int64_t keys, int64_t ld, float scale_log2, float* row_max,
                        float* row_sum, float* correction, float* probabilities) {
  const F f32;
  const V scale = hn::Set(f32, scale_log2);
  for (int64_t row = 0; row < rows; ++row) {
    const float* s = scores + row * ld;
    float* p = probabilities + row * ld;
    const float before = row_max[row];
    const float now = HWY_MAX(before, row_maximum(s, keys));
    const V offset = hn::Set(f32, -now * scale_log2);
    V sum = hn::Zero(f32);
    for_vectors(
        keys,
        [&](int64_t i) {
          const V e = exp2(hn::MulAdd(load(s + i), scale, offset));
          sum = hn::Add(sum, e);
          store(e, p + i);
        },
        [&](int64_t i, size_t count) {
          const V e =
              hn::IfThenElseZero(hn::FirstN(f32, count), exp2(hn::MulAdd(load_part(s + i, count), scale, offset)));
          sum = hn::Add(sum, e);
          store_part(e, p + i, count);
        });
    const float factor = std::exp2((before - now) * scale_log2);
    row_max[row] = now;
    row_sum[row] = row_sum[row] * factor + hn::GetLane(hn::SumOfLanes(f32, sum));
    correction[row] = factor;
  }
}

void scale_rows_impl(float* accumulator, int64_t rows, int64_t width, const float* factor) {
  const F f32;
  for (int64_t row = 0; row < rows; ++row, accumulator += width) {
    if (factor[row] == 1.0f) continue;  // most rows find their maximum in the first blocks
    const V f = hn::Set(f32, factor[row]);
    for_vectors(
        width, [&](int64_t i) { store(hn::Mul(load(accumulator + i), f), accumulator + i); },
        [&](int64_t i, size_t count) {
          store_part(hn::Mul(load_part(accumulator + i, count), f), accumulator + i, count);
        });
  }
}

void divide_rows_impl(const float* accumulator, int64_t rows, int64_t width, const float* row_sum, float* y,
                      int64_t ldy) {
  const F f32;
  for (int64_t row = 0; row < rows; ++row, accumulator += width, y += ldy) {
    const V f = hn::Set(f32, 1.0f / row_sum[row]);
    for_vectors(
        width, [&](int64_t i) { store(hn::Mul(load(accumulator + i), f), y + i); },
        [&](int64_t i, size_t count) { store_part(hn::Mul(load_part(accumulator + i, count), f), y + i, count); });
  }
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(scale_rows_impl);
void scale_rows(float* accumulator, int64_t rows, int64_t width, const float* factor) {
  HWY_DYNAMIC_DISPATCH(scale_rows_impl)(accumulator, rows, width, factor);
}

HWY_EXPORT(softmax_block_impl);
void softmax_block(const float* scores, int64_t rows, int64_t keys, int64_t ld, float scale_log2, float* row_max,
                   float* row_sum, float* correction, float* probabilities) {
  HWY_DYNAMIC_DISPATCH(softmax_block_impl)
  (scores, rows, keys, ld, scale_log2, row_max, row_sum, correction, probabilities);
}

HWY_EXPORT(divide_rows_impl);
void divide_rows(const float* accumulator, int64_t rows, int64_t width, const float* row_sum, float* y, int64_t ldy) {
  HWY_DYNAMIC_DISPATCH(divide_rows_impl)(accumulator, rows, width, row_sum, y, ldy);
}

}  // namespace svd::kernels
#endif
