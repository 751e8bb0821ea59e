#include "diffusion/philox.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/fail.h"

namespace svd {
namespace {

constexpr uint64_t kBlock = 256;        // threads per block of PyTorch's distribution kernels
constexpr uint64_t kValuesPerCall = 4;  // a thread gets four normals from one cipher block (curand_normal4)

// cuRAND's Box-Muller. Unlike PyTorch's on the CPU, it shifts the uniforms by half a step and puts the sine first.
void curand_box_muller(uint32_t a, uint32_t b, float* sine, float* cosine) {
  constexpr float unit = 0x1p-32f;
  constexpr float turn = static_cast<float>(0x1p-32 * 2.0 * std::numbers::pi);
  const float u = static_cast<float>(a) * unit + unit / 2;
  const float angle = static_cast<float>(b) * turn + turn / 2;
  const float radius = std::sqrt(-2.0f * std::log(u));
  *sine = radius * std::sin(angle);
  *cosine = radius * std::cos(angle);
}

std::array<float, 4> normal4(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  const auto bits = philox4x32_10(counter, key);
  std::array<float, 4> values;
  curand_box_muller(bits[0], bits[1], &values[0], &values[1]);
  curand_box_muller(bits[2], bits[3], &values[2], &values[3]);
  return values;
}

constexpr uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
constexpr uint32_t high(uint64_t v) { return static_cast<uint32_t>(v >> 32); }

}  // namespace

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {high(p1) ^ c[1] ^ key[0], low(p1), high(p0) ^ c[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9;  // golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return c;
}

PhiloxGenerator::PhiloxGenerator(uint64_t seed, CudaDevice device) : seed_(seed) {
  constexpr int limit = 1 << 20;  // beyond any GPU, and far from overflow
  if (device.multiprocessors < 1 || device.multiprocessors > limit ||
      device.threads_per_multiprocessor < static_cast<int>(kBlock) || device.threads_per_multiprocessor > limit) {
    fail(ErrorCode::invalid_argument,
         "GPU with {} multiprocessors of {} threads: expected at least 1 of at least {} threads; use the numbers of "
         "the GPU "
         "to imitate",
         device.multiprocessors, device.threads_per_multiprocessor, kBlock);
  }
  const uint64_t blocks_per_multiprocessor = static_cast<uint64_t>(device.threads_per_multiprocessor) / kBlock;
  max_threads_ = static_cast<uint64_t>(device.multiprocessors) * blocks_per_multiprocessor * kBlock;
}

// Thread t runs stream t of the cipher. In each pass it writes its four values to elements t, t + threads,
// t + 2 threads and t + 3 threads from the start of the pass (PyTorch's distribution_elementwise_grid_stride_kernel).
void PhiloxGenerator::normal(std::span<float> out) {
  const uint64_t count = out.size();
  const uint64_t threads = std::min(max_threads_, (count + kBlock - 1) / kBlock * kBlock);
  for (uint64_t first = 0; first < count; first += threads * kValuesPerCall, ++offset_) {
    for (uint64_t t = 0; t < threads && first + t < count; ++t) {
      const auto values = normal4({low(offset_), high(offset_), low(t), high(t)}, {low(seed_), high(seed_)});
      for (uint64_t v = 0; v < kValuesPerCall; ++v) {
        const uint64_t i = first + t + v * threads;
        if (i < count) out[i] = values[v];
      }
    }
  }
}

}  // namespace svd
