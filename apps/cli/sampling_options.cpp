#include "sampling_options.h"

#include <string>
#include <string_view>

#include "option_types.h"

namespace svd::cli {
namespace {

constexpr const char* kGroup = "Sampling";

template <typename Kind>
Choices<Kind> choices_of(std::span<const Kind> kinds) {
  Choices<Kind> choices;
  for (const Kind kind : kinds) choices.emplace_back(name_of(kind), kind);
  return choices;
}

// Of a parameter that `kind` has, the range that the library allows.
template <typename T, typename Kind>
void add_parameter(CLI::App& c, Kind kind, std::string_view name, std::optional<T>& target,
                   const std::string& description) {
  for (const Parameter& p : parameters_of(kind)) {
    if (p.name != name) continue;
    const NumberRange<T> range{static_cast<T>(p.least), static_cast<T>(p.most)};
    add_number(c, "--" + std::string(name), target, range, description)->group(kGroup);
  }
}

void add_sampler(CLI::App& c, SamplerSettings& s) {
  add_choice(c, "--sampler", s.kind, choices_of(all_samplers()),
             "EulerEDMSampler, HeunEDMSampler, EulerAncestralSampler,\n"
             "DPMPP2SAncestralSampler, DPMPP2MSampler or LinearMultistepSampler")
      ->capture_default_str()
      ->group(kGroup);
  constexpr auto kChurned = SamplerKind::euler_edm;
  add_parameter(c, kChurned, "s_churn", s.s_churn,
                "Euler and Heun EDM: noise added before steps, for the whole run; default: 0");
  add_parameter(c, kChurned, "s_tmin", s.s_tmin, "... at noise levels from this; default: 0");
  add_parameter(c, kChurned, "s_tmax", s.s_tmax, "... to this; default: 999");
  add_parameter(c, kChurned, "s_noise", s.s_noise,
                "... of this deviation, also for the ancestral samplers; default: 1");
  add_parameter(c, SamplerKind::euler_ancestral, "eta", s.eta,
                "Ancestral samplers: share of the noise that is fresh; default: 1");
  add_parameter(c, SamplerKind::linear_multistep, "order", s.order,
                "Linear multistep: how many steps back it looks; default: 4");
}

void add_discretization(CLI::App& c, DiscretizationSettings& d) {
  add_choice(c, "--discretization", d.kind, choices_of(all_discretizations()),
             "Noise levels: EDMDiscretization or LegacyDDPMDiscretization")
      ->capture_default_str()
      ->group(kGroup);
  constexpr auto kEdm = DiscretizationKind::edm;
  add_parameter(c, kEdm, "sigma_min", d.sigma_min, "EDM: the smallest; default: 0.002");
  add_parameter(c, kEdm, "sigma_max", d.sigma_max, "EDM: the largest; default: 700");
  add_parameter(c, kEdm, "rho", d.rho, "EDM: the larger, the more of them are small; default: 7");
}

void add_guider(CLI::App& c, GuiderSettings& g) {
  add_choice(c, "--guider", g.kind, choices_of(all_guiders()),
             "Guidance: LinearPredictionGuider, TrianglePredictionGuider, VanillaCFG\n"
             "or IdentityGuider (none, half the work)")
      ->capture_default_str()
      ->group(kGroup);
  add_parameter(c, GuiderKind::linear_prediction, "min_scale", g.min_scale,
                "Linear and triangle: at the first frame; default: 1 (svd...), 1.5 (svd_xt...)");
  add_parameter(c, GuiderKind::linear_prediction, "max_scale", g.max_scale,
                "... at the last frame or in the middle; default: 2.5 (svd...), 3 (svd_xt...)");
  add_parameter(c, GuiderKind::vanilla, "scale", g.scale, "VanillaCFG: at all frames; default: as max_scale");
}

}  // namespace

void add_sampling_options(CLI::App& c, SamplerSettings& sampler, DiscretizationSettings& discretization,
                          GuiderSettings& guider) {
  add_sampler(c, sampler);
  add_discretization(c, discretization);
  add_guider(c, guider);
}

}  // namespace svd::cli
