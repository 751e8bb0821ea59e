#include "settings.h"

#include <fmt/format.h>

#include <set>

#include "api_error.h"
#include "field_json.h"
#include "method_settings.h"
#include "setting_error.h"
#include "settings_schema.h"
#include "svd/error.h"
#include "svd/request_fields.h"

namespace svd::server {
namespace {

using nlohmann::json;

// What the library takes: a frame of the decoder's widest activation must stay within 32-bit offsets.
constexpr int kMaxPixels = 1 << 21;

// Reads the settings of an object; what nobody asked for is an error in the end.
class Reader {
 public:
  Reader(const json& values, const json& defaults) : values_(values), defaults_(defaults) {
    if (!values.is_object()) reject_setting("settings", "an object", values);
  }

  // Null when neither the client nor the defaults say anything.
  const json* find(const std::string& name) {
    asked_.insert(name);
    for (const json* object : {&values_, &defaults_}) {
      const auto it = object->find(name);
      if (it != object->end() && !it->is_null()) return &*it;
    }
    return nullptr;
  }

  // The value, checked, or `otherwise`.
  template <typename T>
  T value(const std::string& name, T otherwise) {
    const json* given = find(name);
    if (!given) return otherwise;
    check_setting(name, schema_of(name), *given);
    return given->get<T>();
  }

  int num_samples(int max) {
    const json* given = find("num_samples");
    if (!given) return 1;
    json schema = schema_of("num_samples");
    schema["maximum"] = max;
    check_setting("num_samples", schema, *given);
    return given->get<int>();
  }

  // A field of the request, but for the parameters of a choice, which are read with it.
  void read(const RequestField& field, Version version, Request& request) {
    const std::string name(field.name);
    const json* given = find(name);
    if (field.type == FieldType::choice) {
      if (given) read_method(field, *given, request);
      return;
    }
    if (given) check_setting(name, schema_of(name), *given);
    field.set(request, given ? field_value_of(*given) : field.default_value(version));
  }

  void refuse_others() const {
    for (const auto& [name, value] : values_.items()) {
      if (!asked_.contains(name)) reject_setting(name.substr(0, 40), "no such setting", value);
    }
  }

 private:
  const json& values_;
  const json& defaults_;
  std::set<std::string, std::less<>> asked_;
};

void read_size(Reader& reader, JobSettings& s) {
  const VersionDefaults& version = defaults_of(s.version);
  s.height = reader.value("height", version.own_size_only ? version.height : s.height);
  s.width = reader.value("width", version.own_size_only ? version.width : s.width);
  if (s.width * s.height > kMaxPixels) {
    reject_setting("width", fmt::format("at most {} pixels in all", kMaxPixels),
                   fmt::format("{} x {}", s.width, s.height));
  }
}

void read_fps(Reader& reader, JobSettings& s) {
  s.request.fps_id = reader.value("fps", s.fps()) - 1;  // as the reference's page does
  const int video_fps = reader.value("video_fps", s.fps());
  if (reader.value("overwrite_fps", false)) s.video_fps = video_fps;
}

// What no single parameter shows: noise levels that do not decrease.
void check_methods(const JobSettings& s) {
  try {
    check_sampling(s.request.sampler, s.request.discretization, s.request.guider, s.num_steps());
  } catch (const Error& e) {
    throw ApiError(400, "bad_setting", e.what(), "discretization.sigma_min");
  }
}

}  // namespace

SettingsRequest parse_settings(const json& values, const json& defaults, int max_samples) {
  Reader reader(values, defaults);
  SettingsRequest request;
  JobSettings& s = request.settings;
  // The schema names the versions that there are.
  s.version = *version_named(reader.value("version", std::string(defaults_of(s.version).name)));
  read_size(reader, s);
  s.seed = reader.value("seed", s.seed);
  read_fps(reader, s);
  for (const RequestField& field : request_fields()) {
    if (is_setting(field) && field.chosen_by.empty()) reader.read(field, s.version, s.request);
  }
  check_methods(s);
  const std::string save_path = reader.value("save_path", std::string());
  if (reader.value("save_locally", false)) s.save_path = save_path;
  request.num_samples = reader.num_samples(max_samples);
  reader.refuse_others();
  return request;
}

json to_json(const JobSettings& s) {
  json out = {{"version", defaults_of(s.version).name},
              {"height", s.height},
              {"width", s.width},
              {"seed", s.seed},
              {"fps", s.fps()},
              {"overwrite_fps", s.video_fps.has_value()},
              {"video_fps", s.video_fps.value_or(s.fps())},
              {"save_locally", s.save_path.has_value()},
              {"save_path", s.save_path.value_or("")},
              {"num_samples", 1}};
  const Request complete = with_defaults(s.request, s.version);
  for (const RequestField& field : request_fields()) {
    if (!is_setting(field) || !field.chosen_by.empty()) continue;
    out[std::string(field.name)] =
        field.type == FieldType::choice ? method_json(field, complete, s.version) : to_json(field, field.get(complete));
  }
  return out;
}

}  // namespace svd::server
