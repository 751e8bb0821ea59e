// From the pixels of a file to those of an upright picture in RGB. Only for this folder's .cpp files.
#pragma once

#include <cstddef>

#include "media/vips.h"
#include "svd/image.h"

namespace svd {

// Where pixel (x, y) of the file goes in the upright picture, as offsets in pixels.
struct Placement {
  int width, height;  // upright
  ptrdiff_t origin, step_x, step_y;
};

// EXIF orientation: 2, 3, 7 and 8 count columns from the right, 3, 4, 6 and 7 rows from the bottom, and in 5 to 8
// the file's rows are the picture's columns.
Placement placement(int width, int height, int orientation);

// Row y of the file, grey, RGB or CMYK with or without alpha, as Sample (uint8_t or uint16_t).
template <typename Sample>
void convert_row(const void* row, const Placement& place, int y, VipsImage* picture, Image& out);

}  // namespace svd
