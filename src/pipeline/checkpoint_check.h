// Whether a checkpoint is what the caller says it is, and whole: told before anything runs.
#pragma once

#include "checkpoint/tensor_source.h"
#include "models/config.h"
#include "svd/model.h"

namespace svd {

// Throws Error(bad_file) when the decoder in the file is not of the kind that the version has.
void check_decoder(const LoadOptions& options, const StableVideoConfig& config);

// Binds every part without reading it: what is missing shows at once, not after the parts before it have run. Throws
// Error(bad_file) that names everything missing or misshapen.
void check_complete(const TensorSource& source, const StableVideoConfig& config);

}  // namespace svd
