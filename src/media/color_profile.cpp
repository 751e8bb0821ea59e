#include "media/color_profile.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

namespace svd {
namespace {

// Most profiles in files are sRGB by one of many names. Rounding on the way through such a profile would change samples
// by one or two for nothing.
constexpr int kNoDifference = 2;

// With relative intent and black point compensation, as browsers do.
VipsImagePtr transformed(VipsImage* picture, std::string& failure) {
  VipsImage* result = nullptr;
  const int depth = vips_image_get_format(picture) == VIPS_FORMAT_USHORT ? 16 : 8;
  if (vips_icc_transform(picture, &result, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_RELATIVE,
                         "black_point_compensation", TRUE, "depth", depth, nullptr) != 0) {
    failure = take_vips_error();
    return nullptr;
  }
  return VipsImagePtr(result);
}

// Samples all over the colour space, as a picture of one row.
std::vector<uint8_t> probe(int bands) {
  constexpr int kSteps = 9, kStep = 32;
  const auto sample = [](int step) { return static_cast<uint8_t>(std::min(255, step * kStep)); };
  std::vector<uint8_t> samples;
  if (bands == 1) {
    for (int i = 0; i < 256; ++i) samples.push_back(static_cast<uint8_t>(i));
    return samples;
  }
  for (int i = 0; i < kSteps * kSteps * kSteps; ++i) {
    for (const int step : {i % kSteps, i / kSteps % kSteps, i / (kSteps * kSteps)}) samples.push_back(sample(step));
  }
  return samples;
}

// Whether the picture's profile leaves all colours where they are.
bool is_srgb(VipsImage* picture, int colours) {
  std::vector<uint8_t> samples = probe(colours);
  const VipsImagePtr test(vips_image_new_from_memory(
      samples.data(), samples.size(), static_cast<int>(samples.size()) / colours, 1, colours, VIPS_FORMAT_UCHAR));
  const void* profile = nullptr;
  size_t size = 0;
  if (!test || vips_image_get_blob(picture, VIPS_META_ICC_NAME, &profile, &size) != 0) return false;
  test->Type = colours == 1 ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB;
  vips_image_set_blob_copy(test.get(), VIPS_META_ICC_NAME, profile, size);
  std::string ignored;
  const VipsImagePtr result = transformed(test.get(), ignored);
  if (!result) return false;
  const int bands = vips_image_get_bands(result.get());
  size_t bytes = 0;
  auto* const out = static_cast<uint8_t*>(vips_image_write_to_memory(result.get(), &bytes));
  bool same = out != nullptr && bands >= 3;
  for (size_t i = 0; same && i < samples.size() / static_cast<size_t>(colours); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      const int before = samples[i * static_cast<size_t>(colours) + (colours == 1 ? 0 : c)];
      same = same && std::abs(before - out[i * static_cast<size_t>(bands) + c]) <= kNoDifference;
    }
  }
  g_free(out);
  return same;
}

}  // namespace

VipsImagePtr in_srgb(VipsImagePtr picture, std::string& failure) {
  if (vips_image_get_typeof(picture.get(), VIPS_META_ICC_NAME) == 0) return picture;
  const bool cmyk = vips_image_get_interpretation(picture.get()) == VIPS_INTERPRETATION_CMYK;
  const int bands = vips_image_get_bands(picture.get());
  if (!cmyk && is_srgb(picture.get(), bands < 3 ? 1 : 3)) return picture;
  VipsImagePtr converted = transformed(picture.get(), failure);
  return converted ? std::move(converted) : std::move(picture);
}

}  // namespace svd
