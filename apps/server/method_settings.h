// Sampler, discretisation and guider in JSON: {"name": "EulerEDMSampler", "s_churn": 0, ...}. `choice` is the request
// field of one of them.
#pragma once

#include <nlohmann/json.hpp>

#include "svd/request_fields.h"

namespace svd::server {

// Sets the choice and its parameters. Throws ApiError 400 "bad_setting": an unknown name, a parameter that it does not
// have, or one out of its range.
void read_method(const RequestField& choice, const nlohmann::json& value, Request& request);

// The name and all of its parameters, with the values in force.
nlohmann::json method_json(const RequestField& choice, const Request& request, Version version);

// What there is to choose from: [{"name", "parameters": [{"name", "default", "min", "max", "integer",
// "description"}]}].
nlohmann::json describe_methods(const RequestField& choice, Version version);

}  // namespace svd::server
