#include "pipeline/sampling.h"

#include <array>

#include "base/fail.h"
#include "base/translate.h"
#include "diffusion/schedule.h"
#include "svd/request_fields.h"

namespace svd {
namespace {

constexpr std::array kSamplers = {SamplerKind::euler_edm,       SamplerKind::heun_edm,
                                  SamplerKind::euler_ancestral, SamplerKind::dpmpp_2s_ancestral,
                                  SamplerKind::dpmpp_2m,        SamplerKind::linear_multistep};
constexpr std::array kDiscretizations = {DiscretizationKind::edm, DiscretizationKind::legacy_ddpm};
constexpr std::array kGuiders = {GuiderKind::linear_prediction, GuiderKind::triangle_prediction, GuiderKind::vanilla,
                                 GuiderKind::identity};

// Of a sampler that has these parameters; see with_defaults().
Churn churn_of(const SamplerSettings& s) {
  return {.s_churn = *s.s_churn, .s_tmin = *s.s_tmin, .s_tmax = *s.s_tmax, .s_noise = *s.s_noise};
}

Ancestral ancestral_of(const SamplerSettings& s) { return {.eta = *s.eta, .s_noise = *s.s_noise}; }

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

std::unique_ptr<Sampler> make_sampler(const SamplerSettings& s) {
  switch (s.kind) {
    case SamplerKind::euler_edm: return std::make_unique<EulerEDMSampler>(churn_of(s));
    case SamplerKind::heun_edm: return std::make_unique<HeunEDMSampler>(churn_of(s));
    case SamplerKind::euler_ancestral: return std::make_unique<EulerAncestralSampler>(ancestral_of(s));
    case SamplerKind::dpmpp_2s_ancestral: return std::make_unique<DPMPP2SAncestralSampler>(ancestral_of(s));
    case SamplerKind::dpmpp_2m: return std::make_unique<DPMPP2MSampler>();
    case SamplerKind::linear_multistep: return std::make_unique<LinearMultistepSampler>(*s.order);
  }
  fail(ErrorCode::invalid_argument, "sampler: there is none with the number {}", static_cast<int>(s.kind));
}

std::vector<float> make_sigmas(const DiscretizationSettings& s, int steps) {
  if (s.kind == DiscretizationKind::legacy_ddpm) return legacy_ddpm_sigmas(steps);
  return edm_sigmas({.sigma_min = *s.sigma_min, .sigma_max = *s.sigma_max, .rho = *s.rho}, steps);
}

std::unique_ptr<Guider> make_guider(const GuiderSettings& s) {
  switch (s.kind) {
    case GuiderKind::linear_prediction: return std::make_unique<LinearPredictionGuider>(*s.min_scale, *s.max_scale);
    case GuiderKind::triangle_prediction: return std::make_unique<TrianglePredictionGuider>(*s.min_scale, *s.max_scale);
    case GuiderKind::vanilla: return std::make_unique<VanillaGuider>(*s.scale);
    case GuiderKind::identity: return std::make_unique<IdentityGuider>();
  }
  fail(ErrorCode::invalid_argument, "guider: there is none with the number {}", static_cast<int>(s.kind));
}

void check_sampling(const SamplerSettings& sampler, const DiscretizationSettings& discretization,
                    const GuiderSettings& guider, int steps) {
  translated([&] {
    const Request request{.num_steps = steps, .sampler = sampler, .discretization = discretization, .guider = guider};
    check_fields(request);
    make_sigmas(with_defaults(request, Version::svd).discretization, steps);
  });
}

}  // namespace svd
