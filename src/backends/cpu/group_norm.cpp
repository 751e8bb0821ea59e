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
struct ChannelSums {
  std::vector<double> sums, squares;  // [C]
  explicit ChannelSums(size_t channels) : sums(channels), squares(channels) {}
};

// Sums of each frame of x [frames, rows, C].
template <typename T>
std::vector<ChannelSums> frame_sums(const Runtime& runtime, const T* x, int64_t frames, int64_t rows, int64_t channels,
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
  std::vector<ChannelSums> moments;
  for (int64_t frame = 0; frame < frames; ++frame) {
    ChannelSums& m = moments.emplace_back(c_count);
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

// Of one set of statistics over `count` elements of each channel.
GroupMoments grouped(const ChannelSums& m, const std::vector<float>& pivot, double count) {
  const size_t width = m.sums.size() / kNormGroups;
  const double n = count * static_cast<double>(width);
  GroupMoments result{};
  for (size_t group = 0; group < kNormGroups; ++group) {
    double &mean = result.mean[group], &variance = result.variance[group];
    for (size_t c = group * width; c < (group + 1) * width; ++c) {
      mean += (m.sums[c] + count * static_cast<double>(pivot[c])) / n;
    }
    for (size_t c = group * width; c < (group + 1) * width; ++c) {  // of (v + pivot - mean)^2, v what the sums are of
      const double d = static_cast<double>(pivot[c]) - mean;
      variance += (m.squares[c] + 2 * d * m.sums[c] + count * d * d) / n;
    }
    variance = std::max(0.0, variance);
  }
  return result;
}

ChannelAffine normalisation(const GroupMoments& m, const NormWeights& w) {
  const PackedNorm& norm = values_of(w);
  const size_t channels = norm.gamma.size(), width = channels / kNormGroups;
  ChannelAffine affine{std::vector<float>(channels), std::vector<float>(channels), norm.beta};
  for (size_t c = 0; c < channels; ++c) {
    const double inverse = 1.0 / std::sqrt(m.variance[c / width] + static_cast<double>(w.epsilon));
    affine.mean[c] = static_cast<float>(m.mean[c / width]);
    affine.scale[c] = static_cast<float>(inverse * static_cast<double>(norm.gamma[c]));
  }
  return affine;
}

// Sums of all frames together.
void merge(std::vector<ChannelSums>& moments) {
  for (size_t frame = 1; frame < moments.size(); ++frame) {
    for (size_t c = 0; c < moments[0].sums.size(); ++c) {
      moments[0].sums[c] += moments[frame].sums[c];
      moments[0].squares[c] += moments[frame].squares[c];
    }
  }
  moments.erase(moments.begin() + 1, moments.end());
}

template <typename T>
std::vector<GroupMoments> moments_of(const Runtime& runtime, const Tensor& x, const GroupNormOptions& options) {
  const int64_t frames = x.shape()[0], rows = x.shape().rows() / frames, channels = x.shape().back();
  const T* source = x.data<T>().data();
  std::vector<float> pivot(static_cast<size_t>(channels));
  kernels::to_f32(source, channels, pivot.data());
  std::vector<ChannelSums> sums = frame_sums(runtime, source, frames, rows, channels, options.frame_bias, pivot);
  const bool all = options.span == NormSpan::all_frames;
  if (all) merge(sums);
  std::vector<GroupMoments> moments;
  for (const ChannelSums& s : sums)
    moments.push_back(grouped(s, pivot, static_cast<double>(all ? frames * rows : rows)));
  return moments;
}

// What Backend::group_norm_moments() made: [1 or T, groups, 2]
std::vector<GroupMoments> given_moments(const Tensor& moments) {
  std::vector<GroupMoments> result(static_cast<size_t>(moments.shape()[0]));
  const float* source = moments.data<float>().data();
  for (GroupMoments& m : result) {
    for (size_t group = 0; group < kNormGroups; ++group) {
      m.mean[group] = *source++;
      m.variance[group] = *source++;
    }
  }
  return result;
}

}  // namespace

std::vector<GroupMoments> group_moments(const Runtime& runtime, const Tensor& x, const GroupNormOptions& options) {
  return with_element_type(runtime.numerics.activations,
                           [&]<typename T>(T*) { return moments_of<T>(runtime, x, options); });
}

std::vector<ChannelAffine> group_norm_affine(const Runtime& runtime, const Tensor& x, const NormWeights& w,
                                             const GroupNormOptions& options) {
  const std::vector<GroupMoments> moments =
      options.moments ? given_moments(*options.moments) : group_moments(runtime, x, options);
  std::vector<ChannelAffine> affine;  // one per frame
  for (int64_t frame = 0; frame < x.shape()[0]; ++frame) {
    affine.push_back(normalisation(moments[moments.size() == 1 ? 0 : static_cast<size_t>(frame)], w));
    const float* bias = frame_bias_row(options.frame_bias, frame);
    if (!bias) continue;
    // (x + frame bias) - mean: the frame bias goes into the mean.
    for (size_t c = 0; c < affine.back().mean.size(); ++c) affine.back().mean[c] -= bias[c];
  }
  return affine;
}

}  // namespace svd::cpu
