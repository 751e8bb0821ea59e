#include "media/check_image.h"

#include "base/fail.h"

namespace svd {

void check_image(const Image& image) {
  const auto side_is_good = [](int side) { return side >= 1 && side <= kMaxImageSide; };
  if (!side_is_good(image.width) || !side_is_good(image.height)) {
    fail(ErrorCode::invalid_argument, "picture of {}x{} pixels: each side must be 1 to {}", image.width, image.height,
         kMaxImageSide);
  }
  const size_t expected = static_cast<size_t>(image.width) * image.height * 3;
  if (image.rgb.size() != expected) {
    fail(ErrorCode::invalid_argument, "picture of {}x{} pixels: expected {} bytes of RGB, found {}", image.width,
         image.height, expected, image.rgb.size());
  }
}

}  // namespace svd
