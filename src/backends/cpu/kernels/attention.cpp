// What attention needs around its two products, for CPUs that do not multiply bfloat16.
#include "backends/cpu/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "backends/cpu/kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace svd::kernels::HWY_NAMESPACE {

void softmax_strip(const float* scores, int64_t panel_stride, int64_t rows, int64_t keys, float scale_log2,
                   SoftmaxState& state, float* outputs, int64_t output_panels, int64_t output_stride,
                   bf16* probabilities, int64_t probability_stride) {
  const F f32;
  const int64_t step = static_cast<int64_t>(lanes());
  const V scale = hn::Set(f32, scale_log2), lowest = hn::Set(f32, -3.0e38f);
  for (int64_t row = 0; row < rows; ++row, scores += kPanelColumns, probabilities += probability_stride) {
    // Calls body(logits, the lanes that hold keys, number of the first) for every vector of the row's panels.
    const auto for_logits = [&](const auto& body) {
      for (int64_t first = 0; first < keys; first += kKeyPanel) {
        const float* s = scores + first / kKeyPanel * panel_stride;
        for (int64_t c = 0; c < kKeyPanel; c += step) {
          const int64_t left = keys - first - c;
          const size_t count = static_cast<size_t>(HWY_MIN(step, HWY_MAX(left, int64_t{0})));
          body(load(s + c), hn::FirstN(f32, count), first + c);
        }
      }
    };
    V most = lowest;
    for_logits([&](V s, auto there, int64_t) { most = hn::Max(most, hn::IfThenElse(there, s, lowest)); });
    const float before = state.maximum[row];
    const float now = HWY_MAX(before, hn::GetLane(hn::MaxOfLanes(f32, most)));
    const V offset = hn::Set(f32, -now * scale_log2);
    V sum = hn::Zero(f32);
    for_logits([&](V s, auto there, int64_t i) {
      const V p = hn::IfThenElseZero(there, exp2(hn::MulAdd(s, scale, offset)));
      sum = hn::Add(sum, p);
      store(p, probabilities + i);
    });
    const float correction = std::exp2((before - now) * scale_log2);
    const V factor = hn::Set(f32, correction);
    store(hn::MulAdd(load(state.sum[row]), factor, sum), state.sum[row]);  // the other parts stay zero
    if (now == before) continue;  // most rows find their maximum in the first blocks
    state.maximum[row] = now;
    for (int64_t panel = 0; panel < output_panels; ++panel) {
      float* o = outputs + panel * output_stride + row * kPanelColumns;
      for (int64_t c = 0; c < kPanelColumns; c += step) store(hn::Mul(load(o + c), factor), o + c);
    }
  }
}

void divide_strip(const float* outputs, int64_t rows, const SoftmaxState& state, int64_t row_stride, bf16* y) {
  const F f32;
  for (int64_t row = 0; row < rows; ++row, outputs += kPanelColumns, y += row_stride) {
    float sum = 0;
    for (const float part : state.sum[row]) sum += part;
    const V factor = hn::Set(f32, 1.0f / sum);
    for (int64_t c = 0; c < kPanelColumns; c += static_cast<int64_t>(lanes())) {
      store(hn::Mul(load(outputs + c), factor), y + c);
    }
  }
}

}  // namespace svd::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace svd::kernels {
namespace {

// A pair of a key's neighbouring elements is one 32-bit word, so the panel is the transposed matrix of words.
void pack_keys(const bf16* keys, int64_t count, int64_t width, int64_t row_stride, bf16* panel) {
  for (int64_t word = 0; word < width / 2; ++word, panel += 2 * kKeyPanel) {
    for (int64_t key = 0; key < kKeyPanel; ++key) {
      if (key < count) {
        std::memcpy(panel + 2 * key, keys + key * row_stride + 2 * word, 2 * sizeof(bf16));
      } else {
        std::fill_n(panel + 2 * key, 2, bf16{});
      }
    }
  }
}

void pack_values(const bf16* values, int64_t count, int64_t padded, int64_t row_stride, bf16* panel) {
  for (int64_t row = 0; row < padded; row += 2, panel += 2 * kPanelColumns) {
    for (int64_t c = 0; c < kPanelColumns; ++c) {
      panel[2 * c] = row < count ? values[row * row_stride + c] : bf16{};
      panel[2 * c + 1] = row + 1 < count ? values[(row + 1) * row_stride + c] : bf16{};
    }
  }
}

}  // namespace

HWY_EXPORT(softmax_strip);
HWY_EXPORT(divide_strip);

constinit const AttentionKernel kPortableAttention{
    pack_keys, pack_values,
    [](const float* scores, int64_t panel_stride, int64_t rows, int64_t keys, float scale_log2, SoftmaxState& state,
       float* outputs, int64_t output_panels, int64_t output_stride, bf16* probabilities, int64_t probability_stride) {
      HWY_DYNAMIC_DISPATCH(softmax_strip)
      (scores, panel_stride, rows, keys, scale_log2, state, outputs, output_panels, output_stride, probabilities,
       probability_stride);
    },
    [](const float* outputs, int64_t rows, const SoftmaxState& state, int64_t row_stride, bf16* y) {
      HWY_DYNAMIC_DISPATCH(divide_strip)(outputs, rows, state, row_stride, y);
    },
    nullptr};

}  // namespace svd::kernels
#endif
