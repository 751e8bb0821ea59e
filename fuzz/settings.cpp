// Settings of a job. What is accepted must survive being stored, and be something that the library takes as well.
#include "settings.h"

#include <cstdlib>
#include <string_view>

#include "api_error.h"
#include "reply.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace svd::server;
  try {
    const auto values = parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "settings");
    const JobSettings settings = parse_settings(values, nlohmann::json::object(), 8).settings;
    const auto stored = to_json(settings);
    if (to_json(parse_settings(nlohmann::json::parse(stored.dump()), nlohmann::json::object(), 1).settings) != stored) {
      std::abort();
    }
    const svd::Request request = to_request(settings);
    svd::check_sampling(request.sampler, request.discretization, request.guider, *request.num_steps);
  } catch (const ApiError&) {
  }
  return 0;
}
