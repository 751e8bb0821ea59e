// Colour profiles of pictures. Only for this folder's .cpp files.
#pragma once

#include "media/vips.h"

namespace svd {

// The picture in sRGB, if it has a colour profile of its own and that says something else; else the picture as it is,
// to the bit. `failure` becomes what is wrong with a profile that cannot be used, and the picture then stays as it is.
VipsImagePtr in_srgb(VipsImagePtr picture, std::string& failure);

}  // namespace svd
