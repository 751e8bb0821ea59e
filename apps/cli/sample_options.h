// The options of `svd sample`: those of Stability AI's simple_video_sample.py and some more.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "svd/image.h"
#include "svd/model.h"
#include "svd/options.h"

namespace svd::cli {

struct SampleOptions {
  std::string input_path;     // empty: the bundled picture
  std::string output_folder;  // empty: outputs/simple_video_sample/<version>
  int fps = 0;                // of the written video; 0: fps_id + 1
  std::string save_tensors;   // empty: none
  bool profile = false;
  bool quiet = false;
  ColorPolicy color = ColorPolicy::convert;

  Version version = Version::svd;
  std::string checkpoint;  // empty: <version>.safetensors in the usual places

  Request request;  // without the picture
  uint64_t seed = 23;
  bool seed_per_picture = false;

  Device device = {};
  Precision precision = Precision::automatic;
  int threads = 0;  // 0: all cores
};

// `options` must outlive the parsing.
void add_sample_options(CLI::App& command, SampleOptions& options);

}  // namespace svd::cli
