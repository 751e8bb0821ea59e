// The options that choose sampler, noise levels and guidance, as the reference's web page offers them.
#pragma once

#include <CLI/App.hpp>

#include "svd/sampling.h"

namespace svd::cli {

// The settings must outlive the parsing. Ranges are checked here; that a parameter belongs to what was chosen is for
// check_sampling().
void add_sampling_options(CLI::App& command, SamplerSettings& sampler, DiscretizationSettings& discretization,
                          GuiderSettings& guider);

}  // namespace svd::cli
