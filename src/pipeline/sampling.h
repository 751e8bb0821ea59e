// The settings of a run's sampling become the objects that do it.
#pragma once

#include <memory>
#include <vector>

#include "diffusion/guidance.h"
#include "diffusion/sampler.h"
#include "svd/sampling.h"

namespace svd {

// The settings have been checked and completed: check_fields(), with_defaults(). Throw Error(invalid_argument) for
// noise levels that cannot be told apart in that many steps.
std::unique_ptr<Sampler> make_sampler(const SamplerSettings& settings);
std::vector<float> make_sigmas(const DiscretizationSettings& settings, int steps);
std::unique_ptr<Guider> make_guider(const GuiderSettings& settings);

}  // namespace svd
