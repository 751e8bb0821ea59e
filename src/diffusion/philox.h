// PyTorch's random numbers on an NVIDIA GPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "diffusion/random.h"

namespace svd {

// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011): a block cipher applied to a counter.
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Determines how many threads PyTorch starts at most to fill a tensor. Its random numbers depend on that limit once a
// tensor has more elements. A video's noise does, so the same seed gives different videos on different GPUs.
struct CudaDevice {
  int multiprocessors;
  int threads_per_multiprocessor;
};
inline constexpr CudaDevice kA100{.multiprocessors = 108, .threads_per_multiprocessor = 2048};
inline constexpr CudaDevice kH100{.multiprocessors = 132, .threads_per_multiprocessor = 2048};  // SXM
inline constexpr CudaDevice kRtx3090{.multiprocessors = 82, .threads_per_multiprocessor = 1536};
inline constexpr CudaDevice kRtx4090{.multiprocessors = 128, .threads_per_multiprocessor = 1536};

// torch.Generator("cuda") after manual_seed(seed), as used by torch.randn on the given device. The GPU's fast sine
// causes differences of about 1e-6.
class PhiloxGenerator final : public Generator {
 public:
  PhiloxGenerator(uint64_t seed, CudaDevice device);  // throws Error(invalid_argument) for an impossible device
  void normal(std::span<float> out) override;

 private:
  uint64_t seed_;
  uint64_t max_threads_;
  uint64_t offset_ = 0;  // counter values used by earlier draws
};

}  // namespace svd
