// What every function that takes a picture relies on.
#pragma once

#include "svd/image.h"

namespace svd {

// Throws Error(invalid_argument) unless the sides are within the limits and the pixels are width * height * 3 bytes.
void check_image(const Image& image);

}  // namespace svd
