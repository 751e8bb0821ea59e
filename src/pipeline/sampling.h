// The settings of a run's sampling become the objects that do it.
#pragma once

#include <memory>
#include <vector>

#include "diffusion/guidance.h"
#include "diffusion/sampler.h"
#include "svd/options.h"
#include "svd/sampling.h"

namespace svd {

// Throw Error(invalid_argument) that names the parameter: out of its range, or of another sampler.
std::unique_ptr<Sampler> make_sampler(const SamplerSettings& settings);
std::vector<float> make_sigmas(const DiscretizationSettings& settings, int steps);
std::unique_ptr<Guider> make_guider(const GuiderSettings& settings, const VersionDefaults& version);

}  // namespace svd
