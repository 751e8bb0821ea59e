#include <algorithm>
#include <array>

#include "base/fail.h"
#include "svd/options.h"

namespace svd {
namespace {

// The reference's scripts/sampling/configs and simple_video_sample.py; svd_demo is used as it was trained for.
constexpr std::array<VersionDefaults, 6> kDefaults = {{
    {"svd", 14, 25, 1.0f, 2.5f, true, 1024, 576, false},
    {"svd_xt", 25, 30, 1.5f, 3.0f, true, 1024, 576, false},
    {"svd_image_decoder", 14, 25, 1.0f, 2.5f, false, 1024, 576, false},
    {"svd_xt_image_decoder", 25, 30, 1.5f, 3.0f, false, 1024, 576, false},
    {"svd_xt_1_1", 25, 30, 1.5f, 3.0f, true, 1024, 576, false},
    {"svd_demo", 14, 25, 1.0f, 2.5f, true, 192, 128, true},
}};

constexpr std::array<Version, 6> kVersions = {
    Version::svd,        Version::svd_xt,  Version::svd_image_decoder, Version::svd_xt_image_decoder,
    Version::svd_xt_1_1, Version::svd_demo};

}  // namespace

const VersionDefaults& defaults_of(Version version) {
  const auto index = static_cast<size_t>(version);
  if (index >= kDefaults.size()) {
    fail(ErrorCode::invalid_argument, "version: there is none with the number {}", static_cast<int>(version));
  }
  return kDefaults[index];
}

std::span<const Version> all_versions() { return kVersions; }

std::optional<Version> version_named(std::string_view name) {
  const auto it = std::ranges::find(kVersions, name, [](Version v) { return defaults_of(v).name; });
  return it == kVersions.end() ? std::nullopt : std::optional(*it);
}

}  // namespace svd
