// The published schema of the settings and their parser agree, setting by setting.
#include "settings_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "api_error.h"
#include "settings.h"
#include "web_files.h"

namespace svd::server {
namespace {

using nlohmann::json;

constexpr int kMaxSamples = 8;

json published() {
  return json::parse(openapi_with_settings(openapi_document(), kMaxSamples))["components"]["schemas"]["Settings"];
}

// Empty: accepted.
std::string refusal_of(const json& values) {
  try {
    parse_settings(values, json::object(), kMaxSamples);
  } catch (const ApiError& e) {
    return e.what();
  }
  return "";
}

// `wrap` puts a value where the schema stands: {"fps": 6}, {"sampler": {"name": ..., "eta": 1}}.
template <typename Wrap>
void expect_agreement(const std::string& name, const json& schema, const Wrap& wrap) {
  const auto accepted = [&](const json& value) {
    const std::string refusal = refusal_of(wrap(value));
    if (refusal.find("sigma_min < sigma_max") != std::string::npos)
      return;  // in range, but not with the other's default
    EXPECT_EQ(refusal, "") << name << " " << value;
  };
  const auto refused = [&](const json& value) {
    EXPECT_THAT(refusal_of(wrap(value)), testing::StartsWith(name + ": expected ")) << name << " " << value;
  };
  const std::string type = schema.at("type").at(0);
  EXPECT_EQ(schema.at("type").at(1), "null") << name;
  accepted(nullptr);
  if (schema.contains("default")) accepted(schema["default"]);
  if (type == "integer" || type == "number") {
    const double step = type == "number" ? 1e-6 : schema.value("multipleOf", 1.0);
    const double min = schema.at("minimum"), max = schema.at("maximum");
    accepted(min);
    accepted(max);
    refused(min - step);
    refused(max + step);
    refused("1");
    if (type == "integer") refused(min + 0.5);
    if (schema.contains("multipleOf")) refused(min + 1);
  } else if (schema.contains("enum")) {
    for (const json& value : schema["enum"]) accepted(value);
    refused("something else");
    refused(1);
  } else if (type == "boolean") {
    accepted(true);
    accepted(false);
    refused("true");
    refused(1);
  } else {
    accepted(type == "object" ? json::object() : json("text"));
    refused(7);
  }
}

TEST(SettingsSchema, AgreesWithTheParser) {
  const json schema = published();
  std::set<std::string> names;
  for (const auto& [name, setting] : schema.at("properties").items()) {
    names.insert(name);
    expect_agreement(name, setting, [&](const json& value) { return json{{name, value}}; });
  }
  const json known = to_json(JobSettings());  // all that the parser knows
  for (const auto& [name, value] : known.items()) names.erase(name);
  EXPECT_THAT(names, testing::IsEmpty());
  EXPECT_NE(refusal_of({{"fps_id", 5}}), "");
}

TEST(SettingsSchema, AgreesWithTheParserOnParameters) {
  const json properties = published().at("properties");
  for (const RequestField& field : request_fields()) {
    if (field.chosen_by.empty()) continue;
    const std::string group(field.chosen_by), name(field.name);
    for (const std::string_view owner : field.owners()) {
      expect_agreement(group + "." + name, properties.at(group).at("properties").at(name), [&](const json& value) {
        json method = {{"name", owner}, {name, value}};
        // Noise levels must decrease, whatever end of its range one of them is at.
        if (name == "sigma_min") method["sigma_max"] = 10000;
        // An extreme rho crowds the levels of a wide range beyond what float32 tells apart.
        if (name == "rho") method.update({{"sigma_min", 1}, {"sigma_max", 2}});
        return json{{group, method}, {"num_steps", 2}};
      });
    }
  }
}

TEST(SettingsSchema, HasEveryVersionSamplerAndField) {
  const json properties = published().at("properties");
  for (const Version version : all_versions()) {
    EXPECT_THAT(properties["version"]["enum"], testing::Contains(json(defaults_of(version).name)));
  }
  for (const RequestField& field : request_fields()) {
    if (!is_setting(field)) continue;
    json schema = field.chosen_by.empty() ? properties.at(std::string(field.name))
                                          : properties.at(std::string(field.chosen_by)).at("properties").at(field.name);
    if (field.type == FieldType::choice) {
      schema = schema.at("properties").at("name");
      for (const std::string_view choice : field.choices()) {
        EXPECT_THAT(schema["enum"], testing::Contains(json(choice)));
      }
    }
    EXPECT_THAT(schema["description"].get<std::string>(), testing::StartsWith(std::string(field.help)));
    if (schema.contains("minimum")) {
      EXPECT_EQ(schema["minimum"].get<double>(), field.min) << field.name;
      EXPECT_EQ(schema["maximum"].get<double>(), field.max) << field.name;
    }
  }
}

TEST(SettingsSchema, PageGetsTheLimits) {
  const json limits = setting_limits();
  EXPECT_EQ(limits.at("motion_bucket_id"), (json{{"min", 0}, {"max", 511}, {"step", 1}}));
  EXPECT_EQ(limits.at("cond_aug"), (json{{"min", 0.0}, {"max", 100.0}}));
  EXPECT_EQ(limits.at("width"), (json{{"min", 64}, {"max", 2048}, {"step", 64}}));
}

}  // namespace
}  // namespace svd::server
