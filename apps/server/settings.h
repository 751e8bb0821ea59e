// The settings of a job: what the page's controls set, checked, with the defaults of the version filled in.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "svd/model.h"

namespace svd::server {

constexpr int kDefaultFps = 6;  // of the reference's page; its script has one more

struct JobSettings {
  Version version = Version::svd;
  int width = 1024, height = 576;  // pixels
  uint32_t seed = 23;
  std::optional<int> video_fps = {};              // of the file, if it is to differ ("overwrite_fps")
  std::optional<std::string> save_path = {};      // a copy goes there ("save_locally"); empty: where SavedCopies says
  Request request = {.fps_id = kDefaultFps - 1};  // everything else; no picture

  // Of the file, and what the model is told (as fps - 1).
  int fps() const { return request.fps_id + 1; }
  int num_frames() const { return request.num_frames.value_or(defaults_of(version).num_frames); }
  int num_steps() const { return request.num_steps.value_or(defaults_of(version).num_steps); }
};

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
inline Request to_request(const JobSettings& settings) { return settings.request; }

}  // namespace svd::server
