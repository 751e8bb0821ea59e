// Sampler, discretisation and guider in JSON: {"name": "EulerEDMSampler", "s_churn": 0, ...}.
#pragma once

#include <nlohmann/json.hpp>

#include "svd/options.h"
#include "svd/sampling.h"

namespace svd::server {

// Throw ApiError 400 "bad_setting": an unknown name, a parameter that it does not have, or one out of its range.
SamplerSettings read_sampler(const nlohmann::json& value);
DiscretizationSettings read_discretization(const nlohmann::json& value);
GuiderSettings read_guider(const nlohmann::json& value);

// The name and all of its parameters, with the values in force.
nlohmann::json to_json(const SamplerSettings& sampler);
nlohmann::json to_json(const DiscretizationSettings& discretization);
nlohmann::json to_json(const GuiderSettings& guider, Version version);

// What there is to choose from: [{"name", "parameters": [{"name", "default", "min", "max", "integer"}]}].
nlohmann::json describe_samplers();
nlohmann::json describe_discretizations();
nlohmann::json describe_guiders(Version version);

}  // namespace svd::server
