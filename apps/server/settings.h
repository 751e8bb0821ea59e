// The settings of a job: what the page's controls set, checked, with the defaults of the version filled in.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "svd/image.h"
#include "svd/model.h"

namespace svd::server {

struct JobSettings {
  Version version = Version::svd;
  int width = 1024, height = 576;  // pixels
  int num_frames = 14, num_steps = 25;
  uint32_t seed = 23;
  int fps = 6;                        // that the model is told (as fps - 1)
  std::optional<int> video_fps = {};  // of the file, if it is to differ ("overwrite_fps")
  int motion_bucket_id = 127;
  double cond_aug = 0.02;
  int decoding_t = 14;
  SamplerSettings sampler = {};
  DiscretizationSettings discretization = {};
  GuiderSettings guider = {};
  bool watermark = true;
  std::optional<std::string> save_path = {};  // a copy goes there ("save_locally"); empty: where SavedCopies says
};

// The least and the most of the settings that are numbers.
struct SettingLimit {
  const char* name;
  double least, most;
  int step = 1;  // 0: not a whole number
};
std::span<const SettingLimit> setting_limits();

struct SettingsRequest {
  JobSettings settings;
  int num_samples = 1;
};

// `values` as a client sends them; what they lack is taken from `defaults` (of the same form) and then from the
// version. Throws ApiError 400 "bad_setting" that names the field: unknown, of the wrong type, out of range, or in
// conflict.
SettingsRequest parse_settings(const nlohmann::json& values, const nlohmann::json& defaults, int max_samples);

// Every setting, as parse_settings() reads them.
nlohmann::json to_json(const JobSettings& settings);

// The request to the library, without the picture.
Request to_request(const JobSettings& settings);

}  // namespace svd::server
