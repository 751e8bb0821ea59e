#include "media/image_pixels.h"

#include <algorithm>
#include <cstdint>

namespace svd {
namespace {

template <typename Sample>
constexpr uint64_t kWhite = static_cast<Sample>(-1);

template <typename Sample>
uint64_t product(uint64_t a, uint64_t b) {  // of two numbers that stand for [0, 1]
  return (a * b + kWhite<Sample> / 2) / kWhite<Sample>;
}

template <typename Sample>
uint8_t to_8_bits(uint64_t v) {
  return static_cast<uint8_t>((v * 255 + kWhite<Sample> / 2) / kWhite<Sample>);
}

template <typename Sample>
void convert_pixel(const Sample* in, int bands, bool cmyk, uint8_t* out) {
  const bool has_alpha = !cmyk && bands % 2 == 0;
  const uint64_t alpha = has_alpha ? in[bands - 1] : kWhite<Sample>;
  for (int c = 0; c < 3; ++c) {
    uint64_t v = bands < 3 ? in[0] : in[c];
    if (cmyk) v = product<Sample>(kWhite<Sample> - in[c], kWhite<Sample> - in[3]);
    if (has_alpha) v = product<Sample>(v, alpha) + (kWhite<Sample> - alpha);
    out[c] = to_8_bits<Sample>(std::min(v, kWhite<Sample>));
  }
}

}  // namespace

Placement placement(int width, int height, int orientation) {
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool swapped = orientation >= 5 && orientation <= 8;
  Placement p{swapped ? height : width, swapped ? width : height, 0, swapped ? height : 1, swapped ? 1 : width};
  if (mirror_x) p.origin += (width - 1) * p.step_x, p.step_x = -p.step_x;
  if (mirror_y) p.origin += (height - 1) * p.step_y, p.step_y = -p.step_y;
  return p;
}

template <typename Sample>
void convert_row(const void* row, const Placement& place, int y, VipsImage* picture, Image& out) {
  const bool cmyk = vips_image_get_interpretation(picture) == VIPS_INTERPRETATION_CMYK;
  const int bands = vips_image_get_bands(picture), width = vips_image_get_width(picture);
  const auto* in = static_cast<const Sample*>(row);
  for (int x = 0; x < width; ++x) {
    convert_pixel(in + static_cast<ptrdiff_t>(x) * bands, bands, cmyk,
                  out.rgb.data() + 3 * (place.origin + x * place.step_x + y * place.step_y));
  }
}

template void convert_row<uint8_t>(const void*, const Placement&, int, VipsImage*, Image&);
template void convert_row<uint16_t>(const void*, const Placement&, int, VipsImage*, Image&);

}  // namespace svd
