// Pictures: decoded as an upload is, with small limits so that a run looks at many. Anything but svd::Error is a bug.
#include <cstdlib>
#include <span>

#include "svd/error.h"
#include "svd/image.h"

// Of damaged AVIF files Debian 12's libdav1d sometimes loses 40 bytes.
extern "C" const char* __lsan_default_suppressions() { return "leak:libdav1d"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const svd::Image image =
        svd::decode_image(std::as_bytes(std::span(data, size)), "fuzz", {.side = 1024, .pixels = 200'000});
    const size_t expected = size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
    if (image.width < 1 || image.height < 1 || image.rgb.size() != expected) std::abort();
  } catch (const svd::Error&) {  // refused, as most inputs should be
  }
  return 0;
}
