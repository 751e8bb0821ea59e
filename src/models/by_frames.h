// Layers that treat every frame by itself need not hold all frames of their intermediates at a time.
#pragma once

#include <algorithm>

#include "ops/backend.h"

namespace svd {

// layers(x) [T, ...], computed for `at_a_time` frames of x [T, ...] after the other.
template <typename Layers>
Tensor by_frames(Backend& b, const Tensor& x, int64_t at_a_time, const Layers& layers) {
  const int64_t frames = x.shape()[0];
  if (at_a_time >= frames) return layers(x);
  Tensor result;  // [T, ...]
  for (int64_t first = 0; first < frames; first += at_a_time) {
    const Tensor part = layers(x.frames(first, std::min(at_a_time, frames - first)));
    if (first == 0) result = b.allocate(part.shape().with(0, frames), part.type());
    b.place_frames(part, first, result);
  }
  return result;
}

}  // namespace svd
