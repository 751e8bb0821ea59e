#include "settings_schema.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "field_json.h"
#include "setting_error.h"
#include "settings.h"

namespace svd::server {
namespace {

using nlohmann::json;

bool is_whole(const json& schema) { return schema.at("type").at(0) == "integer"; }

// A null stands for the default everywhere.
json schema_for(const char* type, std::string_view description) {
  json schema = {{"type", {type, "null"}}};
  if (!description.empty()) schema["description"] = description;
  return schema;
}

json whole_number(int64_t min, int64_t max, json default_value, std::string_view description) {
  json schema = schema_for("integer", description);
  schema.update({{"minimum", min}, {"maximum", max}});
  if (!default_value.is_null()) schema["default"] = std::move(default_value);
  return schema;
}

json multiple_of_64(int default_value, std::string_view description) {
  json schema = whole_number(64, 2048, default_value, description);
  schema["multipleOf"] = 64;
  return schema;
}

json one_of(const std::vector<std::string_view>& names, std::string_view default_name, std::string_view description) {
  json schema = schema_for("string", description);
  schema["enum"] = names;
  schema["enum"].push_back(nullptr);
  schema["default"] = default_name;
  return schema;
}

json yes_or_no(bool default_value, std::string_view description) {
  json schema = schema_for("boolean", description);
  schema["default"] = default_value;
  return schema;
}

std::string description_of(const RequestField& field) {
  std::string text = fmt::format("{}.", field.help);
  if (!field.details.empty()) text += fmt::format(" {}", field.details);
  if (!field.chosen_by.empty()) text += fmt::format(" Only of {}.", fmt::join(field.owners(), ", "));
  if (field.default_depends_on_version()) text += fmt::format(" Default: {}.", field.default_text());
  return text;
}

json schema_of(const RequestField& field) {
  const json initial = to_json(field, field.default_value(Version::svd));
  const std::string description = description_of(field);
  switch (field.type) {
    case FieldType::yes_or_no: return yes_or_no(initial, description);
    case FieldType::choice: {
      const auto names = field.choices();
      return one_of({names.begin(), names.end()}, initial.get_ref<const std::string&>(), description);
    }
    case FieldType::whole_number:
    case FieldType::number: break;
  }
  json schema = schema_for(field.type == FieldType::whole_number ? "integer" : "number", description);
  schema.update({{"minimum", to_json(field, field.min)}, {"maximum", to_json(field, field.max)}});
  if (!field.default_depends_on_version()) schema["default"] = initial;
  return schema;
}

// {"name": which, and its parameters}.
json choice_schema(const RequestField& choice) {
  json schema = schema_for("object", "Only parameters of the one that is named may be given.");
  schema["additionalProperties"] = false;
  schema["properties"]["name"] = schema_of(choice);
  for (const RequestField& field : request_fields()) {
    if (field.chosen_by == choice.name) schema["properties"][std::string(field.name)] = schema_of(field);
  }
  return schema;
}

// What the server itself adds to the fields of a request, or has narrower than the library:
// - height and width: the reference's page ends at 2048; the library takes sides up to 4096;
// - seed: 32 bits, which are all that PyTorch's generator uses of a seed;
// - fps: in place of fps_id (fps - 1, as on the reference's page), and of the video file, which has at most 120; 6 by
// default, as there.
json own_settings() {
  std::vector<std::string_view> versions;
  for (const Version version : all_versions()) versions.push_back(defaults_of(version).name);
  return {
      {"version", one_of(versions, "svd", "Version of the model.")},
      {"height", multiple_of_64(576,
                                "Pixels; the picture is scaled to cover height x width, and its centre cut out. "
                                "Default of svd_demo: 128.")},
      {"width", multiple_of_64(1024, "At most 2097152 pixels in all. Default of svd_demo: 192.")},
      {"seed", whole_number(0, 4294967295, 23, "Of PyTorch's CPU generator.")},
      {"fps", whole_number(1, 120, kDefaultFps, "Frame rate the model is told (as fps - 1), and that of the file.")},
      {"overwrite_fps", yes_or_no(false, "The file has video_fps instead of fps.")},
      {"video_fps", whole_number(1, 120, nullptr, "Frame rate of the file, if overwrite_fps. Default: fps.")},
      {"save_locally", yes_or_no(false, "Copies go to save_path on the server.")},
      {"save_path", schema_for("string",
                               "A folder below the server's --save_root, if relative, to the one in which "
                               "the server was started. Empty: demo/vid/VERSION/samples/ there.")},
      {"num_samples", whole_number(1, 64, 1, "Jobs to make, with seeds that count up.")}};
}

const json& properties() {
  static const json all = [] {
    json out = own_settings();
    for (const RequestField& field : request_fields()) {
      if (!is_setting(field) || !field.chosen_by.empty()) continue;
      out[std::string(field.name)] = field.type == FieldType::choice ? choice_schema(field) : schema_of(field);
    }
    return out;
  }();
  return all;
}

std::string expected_by(const json& schema) {
  const std::string type = schema.at("type").at(0);
  if (type == "boolean") return "true or false";
  if (type == "object") return "an object";
  if (type == "string") {
    if (!schema.contains("enum")) return "a text";
    std::vector<std::string> names;
    for (const json& name : schema["enum"]) {
      if (name.is_string()) names.push_back(name);
    }
    return fmt::format("one of {}", fmt::join(names, ", "));
  }
  const double min = schema["minimum"], max = schema["maximum"];
  if (schema.contains("multipleOf")) {
    return fmt::format("a multiple of {} from {} to {}", schema["multipleOf"].get<int>(), min, max);
  }
  return fmt::format("a {}number from {} to {}", is_whole(schema) ? "whole " : "", min, max);
}

bool matches(const json& schema, const json& value) {
  const std::string type = schema.at("type").at(0);
  if (type == "boolean") return value.is_boolean();
  if (type == "object") return value.is_object();
  if (type == "string") {
    return value.is_string() && (!schema.contains("enum") || std::ranges::count(schema["enum"], value) > 0);
  }
  if (!value.is_number()) return false;
  const double v = value;
  if (!(v >= schema["minimum"].get<double>() && v <= schema["maximum"].get<double>())) return false;
  return !is_whole(schema) || std::fmod(v, schema.value("multipleOf", 1.0)) == 0;
}

}  // namespace

json settings_schema(int max_samples) {
  json schema = {{"type", "object"},
                 {"additionalProperties", false},
                 {"description",
                  "Everything is optional; what is missing or null is the server's default, or else the version's."},
                 {"properties", properties()}};
  schema["properties"]["num_samples"]["maximum"] = max_samples;
  return schema;
}

const json& schema_of(const std::string& name) { return properties().at(name); }

const json& schema_of(const std::string& choice, const std::string& parameter) {
  return properties().at(choice).at("properties").at(parameter);
}

bool is_setting(const RequestField& field) { return field.name != "fps_id"; }

void check_setting(const std::string& field, const json& schema, const json& value) {
  if (!matches(schema, value)) reject_setting(field, expected_by(schema), value);
}

json setting_limits() {
  json out = json::object();
  for (const auto& [name, schema] : properties().items()) {
    if (!schema.contains("minimum") || name == "num_samples") continue;
    out[name] = {{"min", schema["minimum"]}, {"max", schema["maximum"]}};
    if (is_whole(schema)) out[name]["step"] = schema.value("multipleOf", 1);
  }
  return out;
}

std::string openapi_with_settings(std::string_view document, int max_samples) {
  auto openapi = nlohmann::ordered_json::parse(document);  // the document's order is made for readers
  openapi["components"]["schemas"]["Settings"] = settings_schema(max_samples);
  return openapi.dump();
}

}  // namespace svd::server
