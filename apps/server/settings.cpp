#include "settings.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>

#include "api_error.h"
#include "method_settings.h"
#include "setting_error.h"
#include "svd/error.h"

namespace svd::server {
namespace {

using nlohmann::json;

constexpr std::array kLimits = {
    SettingLimit{"height", 64, 2048, 64}, SettingLimit{"width", 64, 2048, 64},      SettingLimit{"num_frames", 1, 1024},
    SettingLimit{"num_steps", 1, 1000},   SettingLimit{"seed", 0, 4294967295.0},    SettingLimit{"fps", 1, 120},
    SettingLimit{"video_fps", 1, 120},    SettingLimit{"motion_bucket_id", 0, 511}, SettingLimit{"cond_aug", 0, 100, 0},
    SettingLimit{"decoding_t", 1, 1024},
};
// What the library takes: a frame of the decoder's widest activation must stay within 32-bit offsets.
constexpr int kMostPixels = 1 << 21;

// Reads the fields of an object; what nobody asked for is an error in the end.
class Fields {
 public:
  Fields(const json& values, const json& defaults) : values_(values), defaults_(defaults) {
    if (!values.is_object()) reject_setting("settings", "an object", values);
  }

  // Null when neither the client nor the defaults say anything.
  const json* find(const char* name) {
    asked_.insert(name);
    for (const json* object : {&values_, &defaults_}) {
      const auto it = object->find(name);
      if (it != object->end() && !it->is_null()) return &*it;
    }
    return nullptr;
  }

  template <typename T>
  T number(const char* name, T otherwise) {
    const json* value = find(name);
    if (!value) return otherwise;
    const SettingLimit& limit = limit_of(name);
    const bool whole = limit.step != 0;
    const double v = value->is_number() ? value->get<double>() : NAN;
    if (!(v >= limit.least && v <= limit.most) || (whole && v != std::floor(v))) {
      reject_setting(name, fmt::format("a {}number from {} to {}", whole ? "whole " : "", limit.least, limit.most),
                     *value);
    }
    if (limit.step > 1 && std::fmod(v, limit.step) != 0) {
      reject_setting(name, fmt::format("a multiple of {} from {} to {}", limit.step, limit.least, limit.most), *value);
    }
    return static_cast<T>(v);
  }

  bool flag(const char* name, bool otherwise) {
    const json* value = find(name);
    if (value && !value->is_boolean()) reject_setting(name, "true or false", *value);
    return value ? value->get<bool>() : otherwise;
  }

  std::string text(const char* name, const std::string& otherwise) {
    const json* value = find(name);
    if (value && !value->is_string()) reject_setting(name, "a text", *value);
    return value ? value->get<std::string>() : otherwise;
  }

  int samples(int most) {
    const json* value = find("num_samples");
    if (!value) return 1;
    const double v = value->is_number() ? value->get<double>() : NAN;
    if (!(v >= 1 && v <= most) || v != std::floor(v)) {
      reject_setting("num_samples", fmt::format("a whole number from 1 to {}", most), *value);
    }
    return static_cast<int>(v);
  }

  void refuse_others() const {
    for (const auto& [name, value] : values_.items()) {
      if (!asked_.contains(name)) reject_setting(name.substr(0, 40), "no such setting", value);
    }
  }

 private:
  static const SettingLimit& limit_of(std::string_view name) {
    for (const SettingLimit& limit : kLimits) {
      if (limit.name == name) return limit;
    }
    throw std::logic_error("no limit of that name");
  }

  const json& values_;
  const json& defaults_;
  std::set<std::string, std::less<>> asked_;
};

Version read_version(Fields& fields) {
  const json* value = fields.find("version");
  if (!value) return Version::svd;
  const auto version = value->is_string() ? version_named(value->get<std::string>()) : std::nullopt;
  if (version) return *version;
  std::string names;
  for (const Version v : all_versions()) names += (names.empty() ? "" : ", ") + std::string(defaults_of(v).name);
  reject_setting("version", "one of " + names, *value);
}

// What no single parameter shows: noise levels that do not decrease.
void check_methods(const JobSettings& s) {
  try {
    check_sampling(s.sampler, s.discretization, s.guider, s.num_steps);
  } catch (const Error& e) {
    throw ApiError(400, "bad_setting", e.what(), "discretization.sigma_min");
  }
}

}  // namespace

std::span<const SettingLimit> setting_limits() { return kLimits; }

SettingsRequest parse_settings(const json& values, const json& defaults, int max_samples) {
  Fields fields(values, defaults);
  SettingsRequest request;
  JobSettings& s = request.settings;
  s.version = read_version(fields);
  const VersionDefaults& version = defaults_of(s.version);
  s.height = fields.number("height", version.own_size_only ? version.height : s.height);
  s.width = fields.number("width", version.own_size_only ? version.width : s.width);
  if (s.width * s.height > kMostPixels) {
    reject_setting("width", fmt::format("at most {} pixels in all", kMostPixels),
                   fmt::format("{} x {}", s.width, s.height));
  }
  s.num_frames = fields.number("num_frames", version.num_frames);
  s.num_steps = fields.number("num_steps", version.num_steps);
  s.seed = fields.number("seed", s.seed);
  s.fps = fields.number("fps", s.fps);
  const int video_fps = fields.number("video_fps", s.fps);
  if (fields.flag("overwrite_fps", false)) s.video_fps = video_fps;
  s.motion_bucket_id = fields.number("motion_bucket_id", s.motion_bucket_id);
  s.cond_aug = fields.number("cond_aug", s.cond_aug);
  s.decoding_t = fields.number("decoding_t", s.decoding_t);
  if (const json* sampler = fields.find("sampler")) s.sampler = read_sampler(*sampler);
  if (const json* discretization = fields.find("discretization")) {
    s.discretization = read_discretization(*discretization);
  }
  if (const json* guider = fields.find("guider")) s.guider = read_guider(*guider);
  check_methods(s);
  s.watermark = fields.flag("watermark", true);
  const std::string save_path = fields.text("save_path", "");
  if (fields.flag("save_locally", false)) s.save_path = save_path;
  request.num_samples = fields.samples(max_samples);
  fields.refuse_others();
  return request;
}

json to_json(const JobSettings& s) {
  json out = {{"version", defaults_of(s.version).name},
              {"height", s.height},
              {"width", s.width},
              {"num_frames", s.num_frames},
              {"num_steps", s.num_steps},
              {"seed", s.seed},
              {"fps", s.fps},
              {"overwrite_fps", s.video_fps.has_value()},
              {"video_fps", s.video_fps.value_or(s.fps)},
              {"motion_bucket_id", s.motion_bucket_id},
              {"cond_aug", s.cond_aug},
              {"decoding_t", s.decoding_t},
              {"sampler", to_json(s.sampler)},
              {"discretization", to_json(s.discretization)},
              {"guider", to_json(s.guider, s.version)},
              {"watermark", s.watermark},
              {"save_locally", s.save_path.has_value()},
              {"save_path", s.save_path.value_or("")},
              {"num_samples", 1}};
  return out;
}

Request to_request(const JobSettings& s) {
  return {.num_frames = s.num_frames,
          .num_steps = s.num_steps,
          .fps_id = s.fps - 1,  // as the reference's page does
          .motion_bucket_id = s.motion_bucket_id,
          .cond_aug = static_cast<float>(s.cond_aug),
          .decoding_t = s.decoding_t,
          .sampler = s.sampler,
          .discretization = s.discretization,
          .guider = s.guider,
          .watermark = s.watermark};
}

}  // namespace svd::server
