// Attention among the frames at one position. There are few frames (14 or 25), so the keys of one head are turned once
// into [width, frames]: a query's logits are then a sum of scaled rows, one or two vectors wide, with no reductions.
#include <vector>

#include "backends/cpu/kernels/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/temporal_attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

// Softmax of logits [padded] over the first `frames` entries, in place; the entries beyond become 0.
inline void softmax_in_place(float* logits, int64_t frames, int64_t padded, float scale_log2) {
  const F f32;
  float largest = logits[0];
  for (int64_t i = 1; i < frames; ++i) largest = HWY_MAX(largest, logits[i]);
  for (int64_t i = frames; i < padded; ++i) logits[i] = -3.0e38f;
  V sum = hn::Zero(f32);
  const int64_t step = static_cast<int64_t>(lanes());
  for (int64_t i = 0; i < padded; i += step) {
    const V e = exp2(hn::Mul(hn::Sub(load(logits + i), hn::Set(f32, largest)), hn::Set(f32, scale_log2)));
    sum = hn::Add(sum, e);
    store(e, logits + i);
  }
  const V inverse = hn::Set(f32, 1.0f / hn::GetLane(hn::SumOfLanes(f32, sum)));
  for (int64_t i = 0; i < padded; i += step) store(hn::Mul(load(logits + i), inverse), logits + i);
}

template <typename T>
void temporal_attention_impl(const T* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width,
                             int64_t begin, int64_t end, T* y) {
  const F f32;
  const int64_t step = static_cast<int64_t>(lanes());
  const int64_t channels = heads * width;
  const int64_t padded = (frames + step - 1) / step * step;
  const float scale_log2 = kLog2E / std::sqrt(static_cast<float>(width));
  std::vector<float> queries(static_cast<size_t>(frames * width));  // [frames, width]
  std::vector<float> keys(static_cast<size_t>(width * padded));     // [width, padded]
  std::vector<float> values(static_cast<size_t>(frames * width));   // [frames, width]
  std::vector<float> logits(static_cast<size_t>(padded));           // [padded]
  std::vector<float> result(static_cast<size_t>(width));            // [width]

  const auto widen = [&](const T* from, float* to) {
    for_vectors(
        width, [&](int64_t c) { store(load(from + c), to + c); },
        [&](int64_t c, size_t count) { store_part(load_part(from + c, count), to + c, count); });
  };

  for (int64_t position = begin; position < end; ++position) {
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t t = 0; t < frames; ++t) {
        const T* q = qkv + (t * positions + position) * 3 * channels + head * width;
        widen(q, queries.data() + t * width);
        for (int64_t c = 0; c < width; ++c) keys[static_cast<size_t>(c * padded + t)] = svd::to_f32(q[channels + c]);
        widen(q + 2 * channels, values.data() + t * width);
      }
      for (int64_t t = 0; t < frames; ++t) {
        const float* q = queries.data() + t * width;
        for (int64_t i = 0; i < padded; i += step) {
          V sum = hn::Zero(f32);
          for (int64_t c = 0; c < width; ++c) {
            sum = hn::MulAdd(hn::Set(f32, q[c]), load(keys.data() + c * padded + i), sum);
          }
          store(sum, logits.data() + i);
        }
        softmax_in_place(logits.data(), frames, padded, scale_log2);
        T* out = y + (t * positions + position) * channels + head * width;
        const auto weighted = [&](auto load_value) {
          V sum = hn::Zero(f32);
          for (int64_t s = 0; s < frames; ++s) {
            sum = hn::MulAdd(hn::Set(f32, logits[static_cast<size_t>(s)]), load_value(values.data() + s * width), sum);
          }
          return sum;
        };
        for_vectors(
            width, [&](int64_t c) { store(weighted([&](const float* v) { return load(v + c); }), out + c); },
            [&](int64_t c, size_t count) {
              store_part(weighted([&](const float* v) { return load_part(v + c, count); }), out + c, count);
            });
      }
    }
  }
}

void temporal_attention_f32(const float* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width,
                            int64_t begin, int64_t end, float* y) {
  temporal_attention_impl(qkv, frames, positions, heads, width, begin, end, y);
}

void temporal_attention_bf16(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width,
                             int64_t begin, int64_t end, bf16* y) {
  temporal_attention_impl(qkv, frames, positions, heads, width, begin, end, y);
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {

HWY_EXPORT(temporal_attention_f32);
template <>
void temporal_attention(const float* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width,
                        int64_t begin, int64_t end, float* y) {
  HWY_DYNAMIC_DISPATCH(temporal_attention_f32)(qkv, frames, positions, heads, width, begin, end, y);
}

HWY_EXPORT(temporal_attention_bf16);
template <>
void temporal_attention(const bf16* qkv, int64_t frames, int64_t positions, int64_t heads, int64_t width, int64_t begin,
                        int64_t end, bf16* y) {
  HWY_DYNAMIC_DISPATCH(temporal_attention_bf16)(qkv, frames, positions, heads, width, begin, end, y);
}

}  // namespace svd::kernels
#endif
