// GroupNorm and LayerNorm. Statistics in float64, the variance in a second pass: sums of squares would cancel.
#include <cmath>

#include "backends/reference/backend_class.h"

namespace svd::reference {

Tensor ReferenceBackend::do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) {
  const Shape& shape = x.shape();
  const int64_t channels = shape.back();
  const int64_t group_channels = channels / kNormGroups;
  const int64_t frames = shape[0];
  const int64_t positions = shape.rows() / frames;  // of one frame
  const int64_t span = options.span == NormSpan::all_frames ? frames : 1;

  Tensor result = new_activation(shape);  // [T, ..., C]
  const float* input = x.data<float>().data();
  float* y = result.data<float>().data();

  // Calls visit(index into x, channel, x + frame bias) for everything that shares statistics.
  const auto for_elements = [&](int64_t first_frame, int64_t group, const auto& visit) {
    for (int64_t t = first_frame; t < first_frame + span; ++t) {
      const float* frame_bias = frame_bias_row(options.frame_bias, t);
      for (int64_t p = 0; p < positions; ++p) {
        for (int64_t c = group * group_channels; c < (group + 1) * group_channels; ++c) {
          const int64_t index = (t * positions + p) * channels + c;
          visit(index, c, static_cast<double>(input[index]) + (frame_bias ? frame_bias[c] : 0));
        }
      }
    }
  };
  const double count = static_cast<double>(span * positions * group_channels);

  threads_.for_ranges(frames / span * kNormGroups, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first_frame = task / kNormGroups * span, group = task % kNormGroups;
      double sum = 0;
      for_elements(first_frame, group, [&](int64_t, int64_t, double value) { sum += value; });
      const double mean = sum / count;
      double squares = 0;
      for_elements(first_frame, group,
                   [&](int64_t, int64_t, double value) { squares += (value - mean) * (value - mean); });
      const double scale = 1 / std::sqrt(squares / count + static_cast<double>(w.epsilon));
      for_elements(first_frame, group, [&](int64_t index, int64_t c, double value) {
        const auto i = static_cast<size_t>(c);
        y[index] = static_cast<float>(activated(options.activation, (value - mean) * scale * w.gamma[i] + w.beta[i]));
      });
    }
  });
  return result;
}

Tensor ReferenceBackend::do_layer_norm(const Tensor& x, const NormWeights& w) {
  Tensor result(pool(), x.shape(), DType::f32);  // as x
  normalise_rows(x.data<float>().data(), x.shape().rows(), w, result.data<float>().data());
  return result;
}

void ReferenceBackend::normalise_rows(const float* x, int64_t rows, const NormWeights& w, float* y) const {
  const int64_t channels = w.channels();
  threads_.for_ranges(rows, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = x + row * channels;
      float* out = y + row * channels;
      double sum = 0;
      for (int64_t c = 0; c < channels; ++c) sum += in[c];
      const double mean = sum / static_cast<double>(channels);
      double squares = 0;
      for (int64_t c = 0; c < channels; ++c) squares += (in[c] - mean) * (in[c] - mean);
      const double scale = 1 / std::sqrt(squares / static_cast<double>(channels) + static_cast<double>(w.epsilon));
      for (int64_t c = 0; c < channels; ++c) {
        const auto i = static_cast<size_t>(c);
        out[c] = static_cast<float>((in[c] - mean) * scale * w.gamma[i] + w.beta[i]);
      }
    }
  });
}

}  // namespace svd::reference
