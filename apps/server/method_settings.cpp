#include "method_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "setting_error.h"

namespace svd::server {
namespace {

using nlohmann::json;
using Values = std::map<std::string, double, std::less<>>;

template <typename Kind>
Kind read_kind(const std::string& group, const json& value, std::span<const Kind> kinds) {
  if (!value.is_object()) reject_setting(group, "an object", value);
  const auto name = value.find("name");
  if (name == value.end()) return kinds.front();
  const auto it = std::ranges::find_if(
      kinds, [&](Kind kind) { return name->is_string() && name->get<std::string>() == name_of(kind); });
  if (it != kinds.end()) return *it;
  std::string names;
  for (const Kind kind : kinds) names += (names.empty() ? "" : ", ") + std::string(name_of(kind));
  reject_setting(group + ".name", "one of " + names, *name);
}

Values read_parameters(const std::string& group, std::string_view owner, const json& value,
                       std::span<const Parameter> known) {
  Values values;
  for (const auto& [name, number] : value.items()) {
    if (name == "name" || number.is_null()) continue;
    const auto parameter = std::ranges::find(known, std::string_view(name), &Parameter::name);
    const std::string field = group + "." + name.substr(0, 40);
    if (parameter == known.end()) reject_setting(field, fmt::format("no such parameter of {}", owner), number);
    const double v = number.is_number() ? number.get<double>() : NAN;
    if (!(v >= parameter->least && v <= parameter->most) || (parameter->whole && v != std::floor(v))) {
      reject_setting(
          field,
          fmt::format("a {}number from {} to {}", parameter->whole ? "whole " : "", parameter->least, parameter->most),
          number);
    }
    values[name] = v;
  }
  return values;
}

template <typename T>
std::optional<T> value_of(const Values& values, std::string_view name) {
  const auto it = values.find(name);
  return it == values.end() ? std::nullopt : std::optional(static_cast<T>(it->second));
}

// The shortest decimal that is this float, so that 2.6 does not become 2.5999999046325684.
double shortest(float value) { return std::stod(fmt::format("{}", value)); }

template <typename Kind>
json describe(std::span<const Kind> kinds, const Values& defaults) {
  json list = json::array();
  for (const Kind kind : kinds) {
    json parameters = json::array();
    for (const Parameter& p : parameters_of(kind)) {
      json entry = {{"name", p.name}, {"min", p.least}, {"max", p.most}, {"integer", p.whole}};
      entry["default"] = p.normal ? *p.normal : defaults.find(p.name)->second;
      parameters.push_back(std::move(entry));
    }
    list.push_back({{"name", name_of(kind)}, {"parameters", std::move(parameters)}});
  }
  return list;
}

Values guider_defaults(Version version) {
  const VersionDefaults& v = defaults_of(version);
  return {{"scale", shortest(v.max_guidance)},
          {"min_scale", shortest(v.min_guidance)},
          {"max_scale", shortest(v.max_guidance)}};
}

// The given values over the defaults, of the parameters that the kind has.
template <typename Kind>
json in_force(Kind kind, const Values& given, const Values& defaults = {}) {
  json out = {{"name", name_of(kind)}};
  for (const Parameter& p : parameters_of(kind)) {
    const auto value = given.find(p.name);
    const double v = value != given.end() ? value->second : p.normal ? *p.normal : defaults.find(p.name)->second;
    out[std::string(p.name)] = p.whole ? json(static_cast<int>(v)) : json(v);
  }
  return out;
}

}  // namespace

SamplerSettings read_sampler(const json& value) {
  const auto kind = read_kind("sampler", value, all_samplers());
  const Values v = read_parameters("sampler", name_of(kind), value, parameters_of(kind));
  return {.kind = kind,
          .s_churn = value_of<double>(v, "s_churn"),
          .s_tmin = value_of<double>(v, "s_tmin"),
          .s_tmax = value_of<double>(v, "s_tmax"),
          .s_noise = value_of<double>(v, "s_noise"),
          .eta = value_of<double>(v, "eta"),
          .order = value_of<int>(v, "order")};
}

DiscretizationSettings read_discretization(const json& value) {
  const auto kind = read_kind("discretization", value, all_discretizations());
  const Values v = read_parameters("discretization", name_of(kind), value, parameters_of(kind));
  return {.kind = kind,
          .sigma_min = value_of<double>(v, "sigma_min"),
          .sigma_max = value_of<double>(v, "sigma_max"),
          .rho = value_of<double>(v, "rho")};
}

GuiderSettings read_guider(const json& value) {
  const auto kind = read_kind("guider", value, all_guiders());
  const Values v = read_parameters("guider", name_of(kind), value, parameters_of(kind));
  return {.kind = kind,
          .scale = value_of<float>(v, "scale"),
          .min_scale = value_of<float>(v, "min_scale"),
          .max_scale = value_of<float>(v, "max_scale")};
}

json to_json(const SamplerSettings& s) {
  Values given;
  if (s.s_churn) given["s_churn"] = *s.s_churn;
  if (s.s_tmin) given["s_tmin"] = *s.s_tmin;
  if (s.s_tmax) given["s_tmax"] = *s.s_tmax;
  if (s.s_noise) given["s_noise"] = *s.s_noise;
  if (s.eta) given["eta"] = *s.eta;
  if (s.order) given["order"] = *s.order;
  return in_force(s.kind, given);
}

json to_json(const DiscretizationSettings& d) {
  Values given;
  if (d.sigma_min) given["sigma_min"] = *d.sigma_min;
  if (d.sigma_max) given["sigma_max"] = *d.sigma_max;
  if (d.rho) given["rho"] = *d.rho;
  return in_force(d.kind, given);
}

json to_json(const GuiderSettings& g, Version version) {
  Values given;
  if (g.scale) given["scale"] = shortest(*g.scale);
  if (g.min_scale) given["min_scale"] = shortest(*g.min_scale);
  if (g.max_scale) given["max_scale"] = shortest(*g.max_scale);
  return in_force(g.kind, given, guider_defaults(version));
}

json describe_samplers() { return describe(all_samplers(), {}); }
json describe_discretizations() { return describe(all_discretizations(), {}); }
json describe_guiders(Version version) { return describe(all_guiders(), guider_defaults(version)); }

}  // namespace svd::server
