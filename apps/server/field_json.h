// Values of request fields in JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "svd/request_fields.h"

namespace svd::server {

inline nlohmann::json to_json(const RequestField& field, const FieldValue& value) {
  if (const bool* yes = std::get_if<bool>(&value)) return *yes;
  if (const double* number = std::get_if<double>(&value)) {
    return field.type == FieldType::whole_number ? nlohmann::json(static_cast<int64_t>(*number))
                                                 : nlohmann::json(*number);
  }
  if (const std::string_view* name = std::get_if<std::string_view>(&value)) return std::string(*name);
  return nullptr;
}

// The value lives as long as the JSON value does. `value` is a boolean, a number, a string or null.
inline FieldValue field_value_of(const nlohmann::json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return std::string_view(value.get_ref<const std::string&>());
  return {};
}

}  // namespace svd::server
