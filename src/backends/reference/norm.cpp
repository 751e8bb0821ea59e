// GroupNorm and LayerNorm. Statistics in float64, the variance in a second pass: sums of squares would cancel.
#include <cmath>

#include "backends/reference/backend_class.h"

namespace svd::reference {

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_norm(const RawWeight& gamma, const RawWeight& beta) {
  auto packed = std::make_unique<PackedNorm>();
  packed->gamma = to_floats(gamma);
  packed->beta = to_floats(beta);
  return packed;
}

namespace {

// The elements of x [T, ..., C] that share the statistics of one group: all positions of `span` frames.
class Groups {
 public:
  Groups(const Tensor& x, const GroupNormOptions& options)
      : input_(x.data<float>().data()),
        frame_bias_(options.frame_bias),
        channels_(x.shape().back()),
        positions_(x.shape().rows() / x.shape()[0]),
        span_(options.span == NormSpan::all_frames ? x.shape()[0] : 1),
        count_(x.shape()[0] / span_ * kNormGroups) {}

  int64_t count() const { return count_; }
  double elements() const { return static_cast<double>(span_ * positions_ * width()); }

  // Calls visit(index into x, channel, x + frame bias) for every element of a group.
  template <typename Visit>
  void for_elements(int64_t number, const Visit& visit) const {
    const int64_t first_frame = number / kNormGroups * span_, group = number % kNormGroups;
    for (int64_t t = first_frame; t < first_frame + span_; ++t) {
      const float* bias = frame_bias_row(frame_bias_, t);
      for (int64_t p = 0; p < positions_; ++p) {
        for (int64_t c = group * width(); c < (group + 1) * width(); ++c) {
          const int64_t index = (t * positions_ + p) * channels_ + c;
          visit(index, c, static_cast<double>(input_[index]) + (bias ? bias[c] : 0));
        }
      }
    }
  }

  struct Moments {
    double mean, variance;
  };
  Moments moments(int64_t number) const {
    double sum = 0, squares = 0;
    for_elements(number, [&](int64_t, int64_t, double value) { sum += value; });
    const double mean = sum / elements();
    for_elements(number, [&](int64_t, int64_t, double value) { squares += (value - mean) * (value - mean); });
    return {mean, squares / elements()};
  }

 private:
  int64_t width() const { return channels_ / kNormGroups; }
  const float* const input_;
  const Tensor* const frame_bias_;
  const int64_t channels_, positions_, span_, count_;
};

}  // namespace

Tensor ReferenceBackend::do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) {
  const Groups groups(x, options);
  Tensor result = allocate({groups.count() / kNormGroups, kNormGroups, 2}, DType::f32);  // [1 or T, groups, 2]
  float* moments = result.data<float>().data();
  threads_.for_ranges(groups.count(), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const auto [mean, variance] = groups.moments(group);
      moments[2 * group] = static_cast<float>(mean);
      moments[2 * group + 1] = static_cast<float>(variance);
    }
  });
  return result;
}

Tensor ReferenceBackend::do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) {
  const Groups groups(x, options);
  const PackedNorm& affine = values_of(w);
  Tensor result = new_result(x.shape());  // [T, ..., C]
  float* y = result.data<float>().data();
  const float* given = options.moments ? options.moments->data<float>().data() : nullptr;
  threads_.for_ranges(groups.count(), [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      const auto [mean, variance] =
          given ? Groups::Moments{given[2 * group], given[2 * group + 1]} : groups.moments(group);
      const double scale = 1 / std::sqrt(variance + static_cast<double>(w.epsilon));
      groups.for_elements(group, [&, mean = mean](int64_t index, int64_t c, double value) {
        const auto i = static_cast<size_t>(c);
        y[index] = static_cast<float>(
            activated(options.activation, (value - mean) * scale * affine.gamma[i] + affine.beta[i]));
      });
    }
  });
  return result;
}

Tensor ReferenceBackend::do_layer_norm(const Tensor& x, const NormWeights& w) {
  Tensor result = allocate(x.shape(), DType::f32);  // as x
  normalise_rows(x.data<float>().data(), x.shape().rows(), w, result.data<float>().data());
  return result;
}

void ReferenceBackend::normalise_rows(const float* x, int64_t rows, const NormWeights& w, float* y) const {
  const int64_t channels = w.channels;
  const PackedNorm& affine = values_of(w);
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
        out[c] = static_cast<float>((in[c] - mean) * scale * affine.gamma[i] + affine.beta[i]);
      }
    }
  });
}

}  // namespace svd::reference
