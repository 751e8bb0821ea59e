// What a checkpoint file contains, and what is missing from it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"

namespace svd::cli {

struct PartReport {
  std::string name;                                 // "UNet"
  std::string prefix;                               // "model.diffusion_model"
  std::string sizes = {};                           // "320 channels, levels 320 640 1280 1280, ..."
  uint64_t tensors = 0, parameters = 0, bytes = 0;  // of those that the part needs and the file has
  std::map<std::string, uint64_t> types = {};       // "f16" -> tensors
  std::vector<std::string> missing = {};            // names
  std::string missing_summary = {};                 // the same in words; empty when nothing is missing
  std::vector<std::string> problems = {};           // wrong shapes or types, or why the sizes cannot be read
  bool complete() const { return missing.empty() && problems.empty(); }
};

struct CheckpointReport {
  std::string path;
  uint64_t file_bytes = 0;
  std::string version_guess = {};
  std::vector<PartReport> parts = {};
  uint64_t unused = 0;  // tensors that no part needs
  std::map<std::string, std::string> metadata = {};
  bool complete() const;
};

// Throws Error(bad_file) only if the file is not a safetensors file at all.
CheckpointReport report_on(const std::filesystem::path& path);

}  // namespace svd::cli
