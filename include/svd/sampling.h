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

// Ranges and defaults of all parameters: svd/request_fields.h. Those that the chosen sampler does not have must be left
// out.
struct SamplerSettings {
  SamplerKind kind = SamplerKind::euler_edm;
  // euler_edm, heun_edm: noise added before a step to levels within [s_tmin, s_tmax].
  std::optional<double> s_churn = {};  // for the whole run, shared out among the steps
  std::optional<double> s_tmin = {}, s_tmax = {};
  // These two and the ancestral ones: standard deviation of the noise that is added.
  std::optional<double> s_noise = {};
  std::optional<double> eta = {};  // ancestral: share of the noise that is fresh
  std::optional<int> order = {};   // linear_multistep: steps it looks back
};

enum class DiscretizationKind {
  edm,          // Karras et al. 2022; what Stable Video Diffusion uses
  legacy_ddpm,  // the 1000 levels of Stable Diffusion 1
};

// As above: the last three belong to edm.
struct DiscretizationSettings {
  DiscretizationKind kind = DiscretizationKind::edm;
  std::optional<double> sigma_min = {}, sigma_max = {};  // sigma_min < sigma_max
  std::optional<double> rho = {};
};

enum class GuiderKind {
  linear_prediction,    // from min_scale at the first frame to max_scale at the last; what Stable Video Diffusion uses
  triangle_prediction,  // from min_scale to max_scale in the middle and back
  vanilla,              // one scale for all frames
  identity,             // no guidance, half the work
};

// As above: scale belongs to vanilla, the other two to the two predictions.
struct GuiderSettings {
  GuiderKind kind = GuiderKind::linear_prediction;
  std::optional<float> scale = {};
  std::optional<float> min_scale = {}, max_scale = {};
};

// "EulerEDMSampler", "EDMDiscretization", "LinearPredictionGuider", ...
SVD_API std::string_view name_of(SamplerKind kind);
SVD_API std::string_view name_of(DiscretizationKind kind);
SVD_API std::string_view name_of(GuiderKind kind);
SVD_API std::span<const SamplerKind> all_samplers();
SVD_API std::span<const DiscretizationKind> all_discretizations();
SVD_API std::span<const GuiderKind> all_guiders();

// Throws Error(invalid_argument), whose message begins with the parameter's name: one out of its range, one that the
// chosen kind does not have, or noise levels that cannot be told apart in that many steps.
SVD_API void check_sampling(const SamplerSettings& sampler, const DiscretizationSettings& discretization,
                            const GuiderSettings& guider, int steps);

}  // namespace svd
