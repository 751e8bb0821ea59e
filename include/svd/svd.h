// Everything the library offers.
#pragma once

#include "svd/error.h"           // IWYU pragma: export
#include "svd/image.h"           // IWYU pragma: export
#include "svd/model.h"           // IWYU pragma: export
#include "svd/options.h"         // IWYU pragma: export
#include "svd/request_fields.h"  // IWYU pragma: export
#include "svd/sampling.h"        // IWYU pragma: export
#include "svd/version.h"         // IWYU pragma: export
#include "svd/video.h"           // IWYU pragma: export
