// The hosted service's image-to-video API, so that programs written for it work by changing the base address.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <random>

#include "api.h"
#include "hosted_error.h"
#include "multipart.h"
#include "reply.h"
#include "svd/image.h"

namespace svd::server {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t k) { return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u; };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

template <typename T>
T number_of(const std::vector<FormPart>& parts, const char* name, T least, T most, T otherwise) {
  const auto text = part_named(parts, name);
  if (!text) return otherwise;
  T value{};
  const auto [rest, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || rest != text->data() + text->size() || !(value >= least && value <= most)) {
    throw ApiError(400, "bad_request",
                   fmt::format("{}: expected a number from {} to {}, found {}", name, least, most,
                               json(text->substr(0, 40)).dump(-1, ' ', true, json::error_handler_t::replace)),
                   name);
  }
  return value;
}

// Of the three sizes that the service works with, the one whose shape is nearest to the picture's.
void choose_size(JobSettings& settings, const Image& picture) {
  constexpr std::pair<int, int> kSizes[] = {{1024, 576}, {576, 1024}, {768, 768}};
  const double shape = std::log(static_cast<double>(picture.width) / picture.height);
  double nearest = INFINITY;
  for (const auto& [width, height] : kSizes) {
    const double distance = std::abs(std::log(static_cast<double>(width) / height) - shape);
    if (distance >= nearest) continue;
    nearest = distance;
    settings.width = width;
    settings.height = height;
  }
}

Version hosted_version(const Api& api) {
  if (api.defaults.contains("version")) return parse_settings(json::object(), api.defaults, 1).settings.version;
  for (const Version version : {Version::svd_xt_1_1, Version::svd_xt}) {
    try {
      api.options.find_checkpoint(version);
      return version;
    } catch (const Error&) {  // try the next
    }
  }
  return Version::svd;
}

SettingsRequest settings_of(const Api& api, const std::vector<FormPart>& parts, std::string_view image) {
  const double scale = number_of(parts, "cfg_scale", 0.0, 10.0, 1.8);
  const auto seed = number_of<uint32_t>(parts, "seed", 0, 4294967294, 0);
  const json values = {
      {"version", defaults_of(hosted_version(api)).name},
      {"seed", seed != 0 ? seed : std::random_device()() % 4294967294 + 1},
      {"motion_bucket_id", number_of(parts, "motion_bucket_id", 1, 255, 127)},
      // Theirs is one number; here it is the last frame's, and the first one's is 1 as always.
      {"guider", {{"name", "LinearPredictionGuider"}, {"min_scale", std::min(1.0, scale)}, {"max_scale", scale}}},
      {"save_locally", false}};
  SettingsRequest request = parse_settings(values, api.defaults, 1);
  const bool own_size_only = defaults_of(request.settings.version).own_size_only;
  if (!own_size_only && !api.defaults.contains("width") && !api.defaults.contains("height")) {
    choose_size(request.settings, api.intake.decode(image));
  }
  return request;
}

void create(const Api& api, const Request& request, Response& response, const httplib::ContentReader& reader) {
  if (!request.has_header(kMultipartHeader)) throw ApiError(400, "bad_request", "Expected multipart/form-data.");
  const std::string body = api.intake.read_body(request, api.access.client_of(request), reader);
  const auto parts = parse_multipart(request.get_header_value(kMultipartHeader), body);
  const auto image = part_named(parts, "image");
  if (!image) throw ApiError(400, "bad_request", "image: this part is missing");
  const auto jobs = accept_jobs(api, request, *image, settings_of(api, parts, *image));
  send_json(response, 200, {{"id", jobs.front().id}});
}

// How much a client wants a type: its weight in Accept, of the most special range that covers it.
double weight_of(std::string_view accept, std::string_view kind, std::string_view exact) {
  double weight = accept.empty() ? 1 : 0;
  int best = 0;
  for (size_t i = 0; i < accept.size();) {
    const size_t comma = std::min(accept.find(',', i), accept.size());
    std::string range;
    for (const char c : accept.substr(i, comma - i)) {
      if (c != ' ' && c != '\t') range += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    i = comma + 1;
    const size_t parameters = std::min(range.find(';'), range.size());
    const std::string_view type = std::string_view(range).substr(0, parameters);
    const int special = type == exact ? 3 : type == std::string(kind) + "/*" ? 2 : type == "*/*" ? 1 : 0;
    if (special <= best) continue;
    best = special;
    const size_t q = range.find(";q=", parameters);
    weight = q == std::string::npos ? 1 : std::strtod(range.c_str() + q + 3, nullptr);
  }
  return weight;
}

// A client that takes both gets the video as it is.
bool prefers_json(std::string_view accept) {
  return weight_of(accept, "application", "application/json") > weight_of(accept, "video", "video/mp4");
}

void send_video(const Api& api, const Job& job, const Request& request, Response& response) {
  const auto path = api.files.find(job.id, "video.mp4");
  if (!path) throw ApiError(404, "not_found", "The video is not there any more.");
  std::ifstream stream(*path, std::ios::binary);
  const std::string video(std::istreambuf_iterator<char>(stream), {});
  if (prefers_json(request.get_header_value("Accept"))) {
    send_json(response, 200, {{"video", base64(video)}, {"finish_reason", "SUCCESS"}, {"seed", job.settings.seed}});
    return;
  }
  response.set_header("finish-reason", "SUCCESS");
  response.set_header("seed", std::to_string(job.settings.seed));
  response.set_content(video, "video/mp4");
}

void result(const Api& api, const Request& request, Response& response) {
  const std::string id = request.matches[1];
  const auto job = api.store.find(id);
  if (!job || job->state == JobState::cancelled) throw ApiError(404, "not_found", "There is no generation of that id.");
  if (!is_final(job->state)) {
    send_json(response, 202, {{"id", id}, {"status", "in-progress"}});
  } else if (job->state == JobState::failed) {
    send_hosted_error(response, ApiError(500, "internal_error", job->error ? job->error->message : "failed"), id);
  } else {
    send_video(api, *job, request, response);
  }
}

}  // namespace

void add_hosted_routes(HttpServer& server, const Api& api) {
  // The second is the service's older address.
  for (const std::string base : {"/v2beta/image-to-video", "/v2alpha/generation/image-to-video"}) {
    server.Post(base, [api](const Request& request, Response& response, const httplib::ContentReader& reader) {
      create(api, request, response, reader);
    });
    server.Get(base + R"(/result/([0-9A-Za-z-]{1,64}))", [api](const Request& request, Response& response) {
      try {
        result(api, request, response);
      } catch (const ApiError& e) {
        send_hosted_error(response, e, request.matches[1]);
      }
    });
  }
}

}  // namespace svd::server
