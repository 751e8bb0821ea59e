#include <algorithm>
#include <array>

#include "base/fail.h"
#include "svd/options.h"

namespace svd {
namespace {

// The reference's scripts/sampling/configs and simple_video_sample.py.
constexpr std::array<VersionDefaults, 5> kDefaults = {{
    {"svd", 14, 25, 1.0f, 2.5f, true},
    {"svd_xt", 25, 30, 1.5f, 3.0f, true},
    {"svd_image_decoder", 14, 25, 1.0f, 2.5f, false},
    {"svd_xt_image_decoder", 25, 30, 1.5f, 3.0f, false},
    {"svd_xt_1_1", 25, 30, 1.5f, 3.0f, true},
}};

constexpr std::array<Version, 5> kVersions = {Version::svd, Version::svd_xt, Version::svd_image_decoder,
                                              Version::svd_xt_image_decoder, Version::svd_xt_1_1};

}  // namespace

const VersionDefaults& defaults_of(Version version) { return kDefaults.at(static_cast<size_t>(version)); }

std::span<const Version> all_versions() { return kVersions; }

std::optional<Version> version_named(std::string_view name) {
  const auto it = std::ranges::find(kVersions, name, [](Version v) { return defaults_of(v).name; });
  return it == kVersions.end() ? std::nullopt : std::optional(*it);
}

}  // namespace svd
