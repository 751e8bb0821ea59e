#include "method_settings.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "field_json.h"
#include "setting_error.h"
#include "settings_schema.h"

namespace svd::server {
namespace {

using nlohmann::json;

// The parameters that the method chosen in `request` has.
std::vector<const RequestField*> parameters_of(const RequestField& choice, const Request& request) {
  std::vector<const RequestField*> fields;
  for (const RequestField& field : request_fields()) {
    if (field.chosen_by == choice.name && field.applies_to(request)) fields.push_back(&field);
  }
  return fields;
}

const RequestField* parameter_named(std::string_view name, const RequestField& choice, const Request& request) {
  for (const RequestField* field : parameters_of(choice, request)) {
    if (field->name == name) return field;
  }
  return nullptr;
}

json value_in_force(const RequestField& field, const Request& request, Version version) {
  const FieldValue given = field.get(request);
  const bool left_out = std::holds_alternative<std::monostate>(given);
  return to_json(field, left_out ? field.default_value(version) : given);
}

}  // namespace

void read_method(const RequestField& choice, const json& value, Request& request) {
  const std::string group(choice.name);
  check_setting(group, schema_of(group), value);
  if (const auto name = value.find("name"); name != value.end() && !name->is_null()) {
    check_setting(group + ".name", schema_of(group, "name"), *name);
    choice.set(request, field_value_of(*name));
  }
  for (const auto& [name, number] : value.items()) {
    if (name == "name" || number.is_null()) continue;
    const std::string field = group + "." + name.substr(0, 40);
    const RequestField* parameter = parameter_named(name, choice, request);
    if (!parameter) {
      reject_setting(field, fmt::format("no such parameter of {}", to_string(choice.get(request))), number);
    }
    check_setting(field, schema_of(group, name), number);
    parameter->set(request, field_value_of(number));
  }
}

json method_json(const RequestField& choice, const Request& request, Version version) {
  json out = {{"name", to_json(choice, choice.get(request))}};
  for (const RequestField* field : parameters_of(choice, request)) {
    out[std::string(field->name)] = value_in_force(*field, request, version);
  }
  return out;
}

json describe_methods(const RequestField& choice, Version version) {
  json list = json::array();
  Request request;
  for (const std::string_view name : choice.choices()) {
    choice.set(request, name);
    json parameters = json::array();
    for (const RequestField* field : parameters_of(choice, request)) {
      parameters.push_back({{"name", field->name},
                            {"min", to_json(*field, field->min)},
                            {"max", to_json(*field, field->max)},
                            {"integer", field->type == FieldType::whole_number},
                            {"description", field->help},
                            {"default", to_json(*field, field->default_value(version))}});
    }
    list.push_back({{"name", name}, {"parameters", std::move(parameters)}});
  }
  return list;
}

}  // namespace svd::server
