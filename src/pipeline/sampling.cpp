#include "pipeline/sampling.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/translate.h"
#include "diffusion/schedule.h"

namespace svd {
namespace {

constexpr Parameter kChurn{"s_churn", 0, 1000, Churn{}.s_churn};
constexpr Parameter kTMin{"s_tmin", 0, 1000, Churn{}.s_tmin};
constexpr Parameter kTMax{"s_tmax", 0, 1000, Churn{}.s_tmax};
constexpr Parameter kNoise{"s_noise", 0, 10, Churn{}.s_noise};
constexpr Parameter kEta{"eta", 0, 10, Ancestral{}.eta};
constexpr std::array kChurnParameters = {kChurn, kTMin, kTMax, kNoise};
constexpr std::array kAncestralParameters = {kEta, kNoise};
constexpr std::array kMultistepParameters = {Parameter{"order", 1, 10, 4, true}};
constexpr std::array kEdmParameters = {Parameter{"sigma_min", 1e-4, 1000, EDMDiscretization{}.sigma_min},
                                       Parameter{"sigma_max", 1e-4, 10000, EDMDiscretization{}.sigma_max},
                                       Parameter{"rho", 0.1, 100, EDMDiscretization{}.rho}};
constexpr std::array kVanillaParameters = {Parameter{"scale", 0, 100, {}}};
constexpr std::array kPredictionParameters = {Parameter{"min_scale", 0, 100, {}}, Parameter{"max_scale", 0, 100, {}}};

constexpr std::array kSamplers = {SamplerKind::euler_edm,       SamplerKind::heun_edm,
                                  SamplerKind::euler_ancestral, SamplerKind::dpmpp_2s_ancestral,
                                  SamplerKind::dpmpp_2m,        SamplerKind::linear_multistep};
constexpr std::array kDiscretizations = {DiscretizationKind::edm, DiscretizationKind::legacy_ddpm};
constexpr std::array kGuiders = {GuiderKind::linear_prediction, GuiderKind::triangle_prediction, GuiderKind::vanilla,
                                 GuiderKind::identity};

// Names of the kinds, in `kinds`, that have a parameter of that name.
template <typename Kinds>
std::string owners_of(std::string_view parameter, const Kinds& kinds) {
  std::vector<std::string_view> names;
  for (const auto kind : kinds) {
    const auto has = parameters_of(kind);
    if (std::ranges::find(has, parameter, &Parameter::name) != has.end()) names.push_back(name_of(kind));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// The value in force: the given one, checked, or the default.
template <typename Kind, typename Kinds, typename T>
T value_of(Kind kind, const Kinds& kinds, std::string_view name, const std::optional<T>& given, T normal) {
  const std::span<const Parameter> known = parameters_of(kind);
  const auto parameter = std::ranges::find(known, name, &Parameter::name);
  if (!given) return normal;
  if (parameter == known.end()) {
    fail(ErrorCode::invalid_argument, "{}: {} does not have it; it belongs to {}", name, name_of(kind),
         owners_of(name, kinds));
  }
  const double value = static_cast<double>(*given);
  if (!(value >= parameter->least && value <= parameter->most)) {  // NaN is refused as well
    fail(ErrorCode::invalid_argument, "{}: expected a number from {} to {}, found {}", name, parameter->least,
         parameter->most, *given);
  }
  return *given;
}

}  // namespace

std::string_view name_of(SamplerKind kind) {
  switch (kind) {
    case SamplerKind::euler_edm: return "EulerEDMSampler";
    case SamplerKind::heun_edm: return "HeunEDMSampler";
    case SamplerKind::euler_ancestral: return "EulerAncestralSampler";
    case SamplerKind::dpmpp_2s_ancestral: return "DPMPP2SAncestralSampler";
    case SamplerKind::dpmpp_2m: return "DPMPP2MSampler";
    case SamplerKind::linear_multistep: return "LinearMultistepSampler";
  }
  fail(ErrorCode::invalid_argument, "sampler: there is none with the number {}", static_cast<int>(kind));
}

std::string_view name_of(DiscretizationKind kind) {
  switch (kind) {
    case DiscretizationKind::edm: return "EDMDiscretization";
    case DiscretizationKind::legacy_ddpm: return "LegacyDDPMDiscretization";
  }
  fail(ErrorCode::invalid_argument, "discretization: there is none with the number {}", static_cast<int>(kind));
}

std::string_view name_of(GuiderKind kind) {
  switch (kind) {
    case GuiderKind::linear_prediction: return "LinearPredictionGuider";
    case GuiderKind::triangle_prediction: return "TrianglePredictionGuider";
    case GuiderKind::vanilla: return "VanillaCFG";
    case GuiderKind::identity: return "IdentityGuider";
  }
  fail(ErrorCode::invalid_argument, "guider: there is none with the number {}", static_cast<int>(kind));
}

std::span<const SamplerKind> all_samplers() { return kSamplers; }
std::span<const DiscretizationKind> all_discretizations() { return kDiscretizations; }
std::span<const GuiderKind> all_guiders() { return kGuiders; }

std::span<const Parameter> parameters_of(SamplerKind kind) {
  switch (kind) {
    case SamplerKind::euler_edm:
    case SamplerKind::heun_edm: return kChurnParameters;
    case SamplerKind::euler_ancestral:
    case SamplerKind::dpmpp_2s_ancestral: return kAncestralParameters;
    case SamplerKind::linear_multistep: return kMultistepParameters;
    case SamplerKind::dpmpp_2m: return {};
  }
  fail(ErrorCode::invalid_argument, "sampler: there is none with the number {}", static_cast<int>(kind));
}

std::span<const Parameter> parameters_of(DiscretizationKind kind) {
  switch (kind) {
    case DiscretizationKind::edm: return kEdmParameters;
    case DiscretizationKind::legacy_ddpm: return {};
  }
  fail(ErrorCode::invalid_argument, "discretization: there is none with the number {}", static_cast<int>(kind));
}

std::span<const Parameter> parameters_of(GuiderKind kind) {
  switch (kind) {
    case GuiderKind::linear_prediction:
    case GuiderKind::triangle_prediction: return kPredictionParameters;
    case GuiderKind::vanilla: return kVanillaParameters;
    case GuiderKind::identity: return {};
  }
  fail(ErrorCode::invalid_argument, "guider: there is none with the number {}", static_cast<int>(kind));
}

std::unique_ptr<Sampler> make_sampler(const SamplerSettings& s) {
  const auto value = [&](std::string_view name, const auto& given, auto normal) {
    return value_of(s.kind, kSamplers, name, given, normal);
  };
  const Churn churn{.s_churn = value("s_churn", s.s_churn, Churn{}.s_churn),
                    .s_tmin = value("s_tmin", s.s_tmin, Churn{}.s_tmin),
                    .s_tmax = value("s_tmax", s.s_tmax, Churn{}.s_tmax),
                    .s_noise = value("s_noise", s.s_noise, Churn{}.s_noise)};
  const Ancestral ancestral{.eta = value("eta", s.eta, Ancestral{}.eta), .s_noise = churn.s_noise};
  const int order = value("order", s.order, 4);
  switch (s.kind) {
    case SamplerKind::euler_edm: return std::make_unique<EulerEDMSampler>(churn);
    case SamplerKind::heun_edm: return std::make_unique<HeunEDMSampler>(churn);
    case SamplerKind::euler_ancestral: return std::make_unique<EulerAncestralSampler>(ancestral);
    case SamplerKind::dpmpp_2s_ancestral: return std::make_unique<DPMPP2SAncestralSampler>(ancestral);
    case SamplerKind::dpmpp_2m: return std::make_unique<DPMPP2MSampler>();
    case SamplerKind::linear_multistep: return std::make_unique<LinearMultistepSampler>(order);
  }
  fail(ErrorCode::invalid_argument, "sampler: there is none with the number {}", static_cast<int>(s.kind));
}

std::vector<float> make_sigmas(const DiscretizationSettings& s, int steps) {
  const EDMDiscretization normal;
  const auto value = [&](std::string_view name, const std::optional<double>& given, double otherwise) {
    return value_of(s.kind, kDiscretizations, name, given, otherwise);
  };
  const EDMDiscretization edm{.sigma_min = value("sigma_min", s.sigma_min, normal.sigma_min),
                              .sigma_max = value("sigma_max", s.sigma_max, normal.sigma_max),
                              .rho = value("rho", s.rho, normal.rho)};
  return s.kind == DiscretizationKind::edm ? edm_sigmas(edm, steps) : legacy_ddpm_sigmas(steps);
}

std::unique_ptr<Guider> make_guider(const GuiderSettings& s, const VersionDefaults& version) {
  const auto value = [&](std::string_view name, const std::optional<float>& given, float normal) {
    return value_of(s.kind, kGuiders, name, given, normal);
  };
  const float scale = value("scale", s.scale, version.max_guidance);
  const float min_scale = value("min_scale", s.min_scale, version.min_guidance);
  const float max_scale = value("max_scale", s.max_scale, version.max_guidance);
  switch (s.kind) {
    case GuiderKind::linear_prediction: return std::make_unique<LinearPredictionGuider>(min_scale, max_scale);
    case GuiderKind::triangle_prediction: return std::make_unique<TrianglePredictionGuider>(min_scale, max_scale);
    case GuiderKind::vanilla: return std::make_unique<VanillaGuider>(scale);
    case GuiderKind::identity: return std::make_unique<IdentityGuider>();
  }
  fail(ErrorCode::invalid_argument, "guider: there is none with the number {}", static_cast<int>(s.kind));
}

void check_sampling(const SamplerSettings& sampler, const DiscretizationSettings& discretization,
                    const GuiderSettings& guider, int steps) {
  translated([&] {
    make_sampler(sampler);
    make_sigmas(discretization, steps);
    make_guider(guider, defaults_of(Version::svd));
  });
}

}  // namespace svd
