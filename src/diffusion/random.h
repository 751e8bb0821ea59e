// Normally distributed random numbers, drawn as PyTorch draws them: a seed gives the same video as in the reference.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>

namespace svd {

// A stream of N(0, 1) values. How it is split into calls matters: two calls for n values each do not generally give the
// same values as one call for 2n. One call therefore corresponds to one torch.randn. Not thread-safe.
class Generator {
 public:
  virtual ~Generator() = default;
  virtual void normal(std::span<float> out) = 0;  // fills `out`
};

// torch.Generator("cpu") after manual_seed(seed). PyTorch's vectorised logarithm and cosine differ from ours in the
// last bits, so the values agree to a relative L2 error of about 1e-7.
class TorchCpuGenerator final : public Generator {
 public:
  // Only the low 32 bits of the seed count, as in PyTorch.
  explicit TorchCpuGenerator(uint64_t seed) : engine_(static_cast<uint32_t>(seed)) {}
  void normal(std::span<float> out) override;

 private:
  float uniform_float();
  double uniform_double();
  float next_in_double();
  void fill_uniform(std::span<float> out);

  std::mt19937 engine_;
  std::optional<double> second_;  // of the last pair drawn in double; kept across draws of 16 or more
};

}  // namespace svd
