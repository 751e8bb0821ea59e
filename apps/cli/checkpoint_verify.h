// Reads a whole checkpoint: is what it holds what was published?
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "checkpoint/weight_scan.h"

namespace svd::cli {

struct TensorDamage {
  std::string name;
  uint64_t offset = 0;  // in the file, of the first value that is wrong
  WeightDefect defect;
};

struct Verification {
  std::string sha256;                // of the file, as sha256sum prints it
  std::vector<TensorDamage> damage;  // in the order of the file
};

// `progress` is told how much of the file is done, 0 to 1, and ends the work by returning false. Throws
// Error(bad_file) when it is no safetensors file, Error(cancelled).
Verification verify_checkpoint(const std::filesystem::path& path, const std::function<bool(double)>& progress);

}  // namespace svd::cli
