// Weights from a formula: every tensor's values follow from its name and shape alone, scaled so that a network of
// them keeps its activations near unit size. Tests and measurements need no trained checkpoint then.
// The formula, and what the reference implementation computes with such weights: tests/golden/README.md.
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

// u in [-1, 1) of the elements first_element, first_element + 1, ... of the tensor `name`.
void synthetic_uniform(std::string_view name, int64_t first_element, std::span<float> out);

// The weights themselves, of the same elements.
void synthetic_values(std::string_view name, const Shape& shape, int64_t first_element, std::span<float> out);

using ShapeList = std::map<std::string, Shape, std::less<>>;

// Reads a JSON object of name -> list of sizes, such as tests/golden/svd_manifest.json. Throws Error(bad_file).
ShapeList read_shape_list(const std::filesystem::path& path);

// A checkpoint that is computed when it is read. `type` is f32, bf16 or f16.
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

// The same as a safetensors file, made in blocks of a few megabytes. `progress` gets the fraction done, in (0, 1],
// in the calling thread; an exception it throws ends the writing and leaves no file. Throws Error(bad_file).
void write_synthetic(const std::filesystem::path& path, const ShapeList& shapes, DType type, const Threads& threads,
                     const std::function<void(double fraction)>& progress = {});

}  // namespace svd
