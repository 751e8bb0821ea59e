#include "diffusion/guidance.h"

#include <algorithm>
#include <cmath>

#include "base/fail.h"
#include "diffusion/linspace.h"

namespace svd {
namespace {

size_t frame_count(int frames) {
  if (frames < 1) fail(ErrorCode::invalid_argument, "guidance: expected at least 1 frame, found {}", frames);
  return static_cast<size_t>(frames);
}

}  // namespace

void Guider::combine(std::span<const float> unconditional, std::span<const float> conditional, std::span<float> out,
                     int frames) const {
  const std::vector<float> scale = scales(frames);
  if (unconditional.size() != conditional.size() || out.size() != conditional.size() ||
      out.size() % scale.size() != 0) {
    fail(ErrorCode::invalid_argument,
         "guidance: {} unconditional and {} conditional values for {} results: expected the same multiple of {} frames",
         unconditional.size(), conditional.size(), out.size(), frames);
  }
  const size_t frame_size = out.size() / scale.size();
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = unconditional[i] + scale[i / frame_size] * (conditional[i] - unconditional[i]);
  }
}

std::vector<float> LinearPredictionGuider::scales(int frames) const {
  return linspace(min_, max_, frame_count(frames));
}

std::vector<float> TrianglePredictionGuider::scales(int frames) const {
  std::vector<float> values = linspace(0.0f, 1.0f, frame_count(frames));
  for (float& value : values) {
    const float height = 2.0f * std::abs(value - std::floor(value + 0.5f));
    value = height * (max_ - min_) + min_;
  }
  return values;
}

std::vector<float> VanillaGuider::scales(int frames) const { return std::vector<float>(frame_count(frames), scale_); }

std::vector<float> IdentityGuider::scales(int frames) const { return std::vector<float>(frame_count(frames), 1.0f); }

void IdentityGuider::combine(std::span<const float>, std::span<const float> conditional, std::span<float> out,
                             int frames) const {
  if (out.size() != conditional.size() || out.size() % frame_count(frames) != 0) {
    fail(ErrorCode::invalid_argument,
         "guidance: {} conditional values for {} results: expected the same multiple of {} frames", conditional.size(),
         out.size(), frames);
  }
  std::ranges::copy(conditional, out.begin());
}

}  // namespace svd
