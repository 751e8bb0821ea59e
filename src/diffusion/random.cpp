#include "diffusion/random.h"

#include <cmath>
#include <numbers>

namespace svd {
namespace {

// PyTorch's vectorised kernel turns 16 uniforms into 16 normals at once; shorter draws take its scalar path.
constexpr size_t kRun = 16;

// Box-Muller over one run. Element j is paired with element j + 8, in float32, as in PyTorch.
void box_muller(std::span<float, kRun> values) {
  constexpr size_t half = kRun / 2;
  for (size_t j = 0; j < half; ++j) {
    const float u1 = 1.0f - values[j];  // from [0, 1) to (0, 1], so that the logarithm is finite
    const float radius = std::sqrt(-2.0f * std::log(u1));
    const float angle = 2.0f * std::numbers::pi_v<float> * values[j + half];
    values[j] = radius * std::cos(angle);
    values[j + half] = radius * std::sin(angle);
  }
}

}  // namespace

void TorchCpuGenerator::normal(std::span<float> out) {
  if (out.size() < kRun) {
    for (float& value : out) value = next_in_double();
    return;
  }
  fill_uniform(out);
  for (size_t i = 0; i + kRun <= out.size(); i += kRun) box_muller(out.subspan(i).first<kRun>());
  if (out.size() % kRun != 0) {  // an incomplete run: PyTorch redraws the last 16 values
    const auto tail = out.last<kRun>();
    fill_uniform(tail);
    box_muller(tail);
  }
}

void TorchCpuGenerator::fill_uniform(std::span<float> out) {
  for (float& value : out) value = uniform_float();
}

float TorchCpuGenerator::uniform_float() {
  return static_cast<float>(engine_() & 0xFFFFFFu) * 0x1p-24f;  // as many bits as a float32 has
}

double TorchCpuGenerator::uniform_double() {
  const uint64_t high = engine_();
  const uint64_t low = engine_();
  return static_cast<double>(((high << 32) | low) & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

float TorchCpuGenerator::next_in_double() {
  if (second_) {
    const double value = *second_;
    second_.reset();
    return static_cast<float>(value);
  }
  const double u1 = uniform_double();
  const double u2 = uniform_double();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2));
  const double angle = 2.0 * std::numbers::pi * u1;
  second_ = radius * std::sin(angle);
  return static_cast<float>(radius * std::cos(angle));
}

}  // namespace svd
