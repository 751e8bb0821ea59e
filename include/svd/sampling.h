// From noise to latents: which sampler, which noise levels, how much guidance. Names are those of the reference.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "svd/export.h"

namespace svd {

enum class SamplerKind {
  euler_edm,           // first order; what Stable Video Diffusion uses
  heun_edm,            // second order, two evaluations a step
  euler_ancestral,     // first order, fresh noise after each step
  dpmpp_2s_ancestral,  // second order, two evaluations a step, fresh noise after each
  dpmpp_2m,            // second order, one evaluation a step
  linear_multistep,    // Adams-Bashforth
};

// The parameters a sampler does not have must be left out; those it has default to the reference's values.
struct SamplerSettings {
  SamplerKind kind = SamplerKind::euler_edm;
  // euler_edm, heun_edm: noise added before a step to levels within [s_tmin, s_tmax].
  std::optional<double> s_churn = {};  // for the whole run, shared out among the steps; 0 to 1000, default 0
  std::optional<double> s_tmin = {};   // 0 to 1000, default 0
  std::optional<double> s_tmax = {};   // 0 to 1000, default 999
  // These two and the ancestral ones: deviation of the noise that is added.
  std::optional<double> s_noise = {};  // 0 to 10, default 1
  std::optional<double> eta = {};      // ancestral: share of the noise that is fresh; 0 to 10, default 1
  std::optional<int> order = {};       // linear_multistep: 1 to 10, default 4
};

enum class DiscretizationKind {
  edm,          // Karras et al. 2022; what Stable Video Diffusion uses
  legacy_ddpm,  // the 1000 levels of Stable Diffusion 1
};

// As above: the last three belong to edm.
struct DiscretizationSettings {
  DiscretizationKind kind = DiscretizationKind::edm;
  std::optional<double> sigma_min = {};  // 1e-4 to 1000, below sigma_max; default 0.002
  std::optional<double> sigma_max = {};  // to 10000, default 700
  std::optional<double> rho = {};        // 0.1 to 100, default 7
};

enum class GuiderKind {
  linear_prediction,    // from min_scale at the first frame to max_scale at the last; what Stable Video Diffusion uses
  triangle_prediction,  // from min_scale to max_scale in the middle and back
  vanilla,              // one scale for all frames
  identity,             // no guidance, half the work
};

// As above: scale belongs to vanilla, the other two to the two predictions. All 0 to 100.
struct GuiderSettings {
  GuiderKind kind = GuiderKind::linear_prediction;
  std::optional<float> scale = {};                      // default: the version's max_guidance
  std::optional<float> min_scale = {}, max_scale = {};  // default: of the version
};

// "EulerEDMSampler", "EDMDiscretization", "LinearPredictionGuider", ...
SVD_API std::string_view name_of(SamplerKind kind);
SVD_API std::string_view name_of(DiscretizationKind kind);
SVD_API std::string_view name_of(GuiderKind kind);
SVD_API std::span<const SamplerKind> all_samplers();
SVD_API std::span<const DiscretizationKind> all_discretizations();
SVD_API std::span<const GuiderKind> all_guiders();

// What can be set of a sampler, a discretisation or a guider, for programs that offer it. A guider's defaults are the
// version's where this one says nothing.
struct Parameter {
  std::string_view name;  // "s_churn"
  double least, most;
  std::optional<double> normal;  // the default
  bool whole = false;            // a whole number
};
SVD_API std::span<const Parameter> parameters_of(SamplerKind kind);
SVD_API std::span<const Parameter> parameters_of(DiscretizationKind kind);
SVD_API std::span<const Parameter> parameters_of(GuiderKind kind);

// Throws Error(invalid_argument), whose message begins with the parameter's name: one out of its range, one that the
// chosen kind does not have, or noise levels that cannot be told apart in that many steps.
SVD_API void check_sampling(const SamplerSettings& sampler, const DiscretizationSettings& discretization,
                            const GuiderSettings& guider, int steps);

}  // namespace svd
