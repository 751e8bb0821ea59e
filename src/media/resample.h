// Changing the size of a picture, the three ways the reference does it (the third one, for CLIP, has its own file).
#pragma once

#include <span>
#include <vector>

#include "svd/image.h"

namespace svd {

// Pillow's BICUBIC, bit for bit: a = -0.5, kernel widened when shrinking, columns first, then rows.
Image resize_bicubic(const Image& image, int width, int height);

// For the command line: sides that are not multiples of 64 are cut down to the next lower one by resize_bicubic.
// Throws Error(invalid_argument) when a side is below 64.
Image fit_to_multiple_of_64(const Image& image);

// For the web page: scales the picture until it just covers width x height, each result pixel being the mean of the
// source pixels it touches (torch's "area" interpolation), and cuts out the centre. Result in [0, 1].
std::vector<float> cover_crop_area(const Image& image, int width, int height);  // [3, height, width]

// To 8 bits, rounded, for previews.
Image to_image(std::span<const float> picture, int width, int height);  // picture: [3, height, width] in [0, 1]

}  // namespace svd
