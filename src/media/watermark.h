// The invisible mark of the reference: 48 bits that say a picture was made by this model.
#pragma once

#include <cstdint>
#include <optional>

#include "svd/image.h"

namespace svd {

inline constexpr int kWatermarkBits = 48;
inline constexpr uint64_t kWatermark = 0xB3EC907BB19E;  // most significant bit first

// Method "dwtDct" of the invisible-watermark package, which its decoder and read_watermark() read. Pictures of fewer
// than 256 x 256 pixels are left alone, and pixels that carry nothing keep their value.
void embed_watermark(Image& image);

// The 48 bits found; any picture has some. None when the picture is too small to carry the mark.
std::optional<uint64_t> read_watermark(const Image& image);

}  // namespace svd
