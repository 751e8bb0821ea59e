// Weights from a formula: a tensor's values depend only on its name and shape, and are scaled so that the values inside
// a network stay near unit size. Tests and measurements then need no trained checkpoint.
// tests/golden/README.md has the formula, and the reference implementation's output with such weights.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/parallel.h"
#include "checkpoint/tensor_source.h"

namespace svd {

// u in [-1, 1) for the elements first_element, first_element + 1, ... of the tensor `name`.
void synthetic_uniform(std::string_view name, int64_t first_element, std::span<float> out);

// The weights themselves, for the same elements.
void synthetic_values(std::string_view name, const Shape& shape, int64_t first_element, std::span<float> out);

using ShapeList = std::map<std::string, Shape, std::less<>>;

// Reads a JSON object that maps names to lists of sizes, such as tests/golden/svd_manifest.json. Throws
// Error(bad_file).
ShapeList read_shape_list(const std::filesystem::path& path);

// A checkpoint that is computed as it is read. `type` is f32, bf16 or f16. const use is thread-safe.
class SyntheticSource : public TensorSource {
 public:
  SyntheticSource(const ShapeList& shapes, DType type, Threads threads);

  std::string describe() const override { return "synthetic weights"; }
  const Index& index() const override { return index_; }
  std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const override;

 private:
  Index index_;
  Threads threads_;
};

// Writes the same checkpoint to a safetensors file, in blocks of a few megabytes. `progress` is called in the calling
// thread with the fraction done, in (0, 1]; if it throws, no file is left. Throws Error(bad_file).
void write_synthetic(const std::filesystem::path& path, const ShapeList& shapes, DType type, const Threads& threads,
                     const std::function<void(double fraction)>& progress = {});

}  // namespace svd
