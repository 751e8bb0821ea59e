#include "ops/weights.h"

#include "tensor/convert.h"

namespace svd {

std::vector<float> to_floats(const RawWeight& weight, float scale) {
  std::vector<float> values(static_cast<size_t>(weight.shape.numel()));
  convert({weight.data, values.size() * size_of(weight.type)}, weight.type, std::as_writable_bytes(std::span(values)),
          DType::f32);
  const size_t rows = weight.scales.empty() ? 1 : weight.scales.size(), width = values.size() / rows;
  for (size_t row = 0; row < rows; ++row) {
    const float factor = weight.scales.empty() ? scale : scale * weight.scales[row];
    if (factor == 1.0f) continue;
    for (size_t i = row * width; i < (row + 1) * width; ++i) values[i] *= factor;
  }
  return values;
}

}  // namespace svd
