// The statistics of GroupNorm.
#include "backends/cpu/group_norm.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/kernels.h"

namespace svd::cpu {
namespace {

// Rows whose moments are summed in float32 before they go into a double.
constexpr int64_t kMomentRows = 256;

// Sums over (x + frame bias - pivot). The pivot, the first row of x, takes most of the mean away: without it the
// variance would be the small difference of two large sums wherever the mean is many deviations from zero.
struct Moments {
  std::vector<double> sums, squares;  // [C]
  explicit Moments(size_t channels) : sums(channels), squares(channels) {}
};

// Moments of each frame of x [frames, rows, C].
template <typename T>
std::vector<Moments> frame_moments(const Runtime& runtime, const T* x, int64_t frames, int64_t rows, int64_t channels,
                                   const Tensor* frame_bias, const std::vector<float>& pivot) {
  const int64_t chunks = blocks(rows, kMomentRows);
  const size_t c_count = static_cast<size_t>(channels);
  std::vector<float> partial(static_cast<size_t>(frames * chunks) * 2 * c_count);  // [frames, chunks, 2, C]
  runtime.threads.for_ranges(frames * chunks, [&](int64_t begin, int64_t end) {
    std::vector<float> added(c_count);  // frame bias - pivot of the frame
    for (int64_t i = begin; i < end; ++i) {
      const int64_t frame = i / chunks, first = i % chunks * kMomentRows;
      const float* bias_row = frame_bias_row(frame_bias, frame);
      for (size_t c = 0; c < c_count; ++c) added[c] = (bias_row ? bias_row[c] : 0.0f) - pivot[c];
      float* sums = partial.data() + static_cast<size_t>(i) * 2 * c_count;
      kernels::accumulate_moments(x + (frame * rows + first) * channels, added.data(),
                                  std::min(kMomentRows, rows - first), channels, sums, sums + channels);
    }
  });
  std::vector<Moments> moments;
  for (int64_t frame = 0; frame < frames; ++frame) {
    Moments& m = moments.emplace_back(c_count);
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const float* sums = partial.data() + static_cast<size_t>(frame * chunks + chunk) * 2 * c_count;
      for (size_t c = 0; c < c_count; ++c) {
        m.sums[c] += sums[c];
        m.squares[c] += sums[c_count + c];
      }
    }
  }
  return moments;
}

// For one set of statistics over `count` elements of each channel.
ChannelAffine normalisation(const Moments& m, const std::vector<float>& pivot, double count, const NormWeights& w) {
  const size_t channels = m.sums.size(), width = channels / kNormGroups;
  ChannelAffine affine{std::vector<float>(channels), std::vector<float>(channels), w.beta};
  for (size_t group = 0; group < kNormGroups; ++group) {
    const size_t first = group * width, last = first + width;
    const double n = count * static_cast<double>(width);
    double mean = 0, variance = 0;
    for (size_t c = first; c < last; ++c) mean += (m.sums[c] + count * static_cast<double>(pivot[c])) / n;
    for (size_t c = first; c < last; ++c) {  // of (v + pivot - mean)^2, v what the moments are of
      const double d = static_cast<double>(pivot[c]) - mean;
      variance += (m.squares[c] + 2 * d * m.sums[c] + count * d * d) / n;
    }
    const double inverse = 1.0 / std::sqrt(std::max(0.0, variance) + static_cast<double>(w.epsilon));
    for (size_t c = first; c < last; ++c) {
      affine.mean[c] = static_cast<float>(mean);
      affine.scale[c] = static_cast<float>(inverse * static_cast<double>(w.gamma[c]));
    }
  }
  return affine;
}

// Moments of all frames together.
void merge(std::vector<Moments>& moments) {
  for (size_t frame = 1; frame < moments.size(); ++frame) {
    for (size_t c = 0; c < moments[0].sums.size(); ++c) {
      moments[0].sums[c] += moments[frame].sums[c];
      moments[0].squares[c] += moments[frame].squares[c];
    }
  }
  moments.erase(moments.begin() + 1, moments.end());
}

template <typename T>
std::vector<ChannelAffine> affine_of(const Runtime& runtime, const Tensor& x, const NormWeights& w,
                                     const GroupNormOptions& options) {
  const int64_t frames = x.shape()[0], rows = x.shape().rows() / frames, channels = w.channels();
  const T* source = x.data<T>().data();
  std::vector<float> pivot(static_cast<size_t>(channels));
  kernels::to_f32(source, channels, pivot.data());
  std::vector<Moments> moments = frame_moments(runtime, source, frames, rows, channels, options.frame_bias, pivot);
  const bool all = options.span == NormSpan::all_frames;
  if (all) merge(moments);

  std::vector<ChannelAffine> affine;  // one per frame
  for (int64_t frame = 0; frame < frames; ++frame) {
    affine.push_back(normalisation(moments[all ? 0 : static_cast<size_t>(frame)], pivot,
                                   static_cast<double>(all ? frames * rows : rows), w));
    const float* frame_bias = frame_bias_row(options.frame_bias, frame);
    if (!frame_bias) continue;
    // (x + frame bias) - mean: the frame bias goes into the mean.
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c) affine.back().mean[c] -= frame_bias[c];
  }
  return affine;
}

}  // namespace

std::vector<ChannelAffine> group_norm_affine(const Runtime& runtime, const Tensor& x, const NormWeights& w,
                                             const GroupNormOptions& options) {
  return with_element_type(runtime.activation, [&]<typename T>(T*) { return affine_of<T>(runtime, x, w, options); });
}

}  // namespace svd::cpu
