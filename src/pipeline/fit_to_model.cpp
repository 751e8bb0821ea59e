// Bringing a picture to the size that a model takes.
#include "base/translate.h"
#include "media/check_image.h"
#include "media/resample.h"
#include "svd/model.h"

namespace svd {

Image fit_to_model(const Image& image, Version version) {
  return translated([&]() -> Image {
    const VersionDefaults& v = defaults_of(version);
    if (!v.own_size_only) return fit_to_multiple_of_64(image);
    check_image(image);
    if (image.width == v.width && image.height == v.height) return image;
    return to_image(cover_crop_area(image, v.width, v.height), v.width, v.height);
  });
}

Image cover_crop(const Image& image, int width, int height) {
  return translated([&] { return to_image(cover_crop_area(image, width, height), width, height); });
}

}  // namespace svd
