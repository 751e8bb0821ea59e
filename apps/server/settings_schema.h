// What settings a job has, as a JSON schema. The same one is published (OpenAPI), checks what clients send, and gives
// the page its limits; the library's table of request fields makes most of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "svd/request_fields.h"

namespace svd::server {

// The schema of the whole object; `max_samples`: jobs in one request.
nlohmann::json settings_schema(int max_samples);

// The schema of one setting: "fps", "sampler". Throws std::out_of_range when there is none.
const nlohmann::json& schema_of(const std::string& name);
// The schema of a parameter of a sampler, discretisation or guider, or of their name.
const nlohmann::json& schema_of(const std::string& choice, const std::string& parameter);

// Whether clients give this field as it is. The exception is fps_id, for which the API has `fps`, as the page does.
bool is_setting(const RequestField& field);

// Throws ApiError 400 "bad_setting" that names `field`, unless the value, which is not null, is what the schema says.
void check_setting(const std::string& field, const nlohmann::json& schema, const nlohmann::json& value);

// The limits of the settings that are numbers, but for num_samples: {NAME: {"min", "max", "step"}}; those that are not
// whole have no step.
nlohmann::json setting_limits();

// The OpenAPI document with the schema of the settings in it.
std::string openapi_with_settings(std::string_view document, int max_samples);

}  // namespace svd::server
