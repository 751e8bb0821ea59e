// libvips: started once, quiet, errors as exceptions' text. Only for this folder's .cpp files.
#pragma once

#include <vips/vips.h>

#include <memory>
#include <string>

namespace svd {

struct GObjectDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsImagePtr = std::unique_ptr<VipsImage, GObjectDeleter>;
using VipsRegionPtr = std::unique_ptr<VipsRegion, GObjectDeleter>;

// Call before anything else of vips; thread-safe, does its work the first time. Throws Error(internal).
void start_vips();

// What vips said about the last failure, as one line; forgets it.
std::string take_vips_error();

}  // namespace svd
