// Golden data: outputs of the reference implementation (provenance: tests/golden/README.md).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"

namespace svd::test {

std::filesystem::path golden_path(std::string_view file_name);

// One golden file, e.g. GoldenFile("schedule.safetensors").f32("sigmas_10").
class GoldenFile {
 public:
  explicit GoldenFile(std::string_view file_name);
  bool has(std::string_view name) const;
  Shape shape(std::string_view name) const;
  std::vector<float> f32(std::string_view name) const;  // throws when the tensor is of another type
  std::vector<uint8_t> u8(std::string_view name) const;

 private:
  SafetensorsFile file_;
};

// ||found - expected|| / ||expected||, in double; infinity when the sizes differ or a value is not finite.
double relative_l2(std::span<const float> found, std::span<const float> expected);

}  // namespace svd::test
