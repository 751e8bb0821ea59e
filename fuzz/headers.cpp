// Headers that this program reads itself: the first line is a Range, the second a Cookie. A part must lie within the
// file, and no cookie is good that was not made here.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "byte_range.h"
#include "session_cookie.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace svd::server;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line_end = std::min(input.find('\n'), input.size());
  for (const uint64_t file_size : {uint64_t{0}, uint64_t{1}, uint64_t{1000}, UINT64_MAX}) {
    const ByteRange range = choose_range(input.substr(0, line_end), file_size);
    if (range.kind != ByteRange::Kind::part) continue;
    if (range.length == 0 || range.first >= file_size || range.length > file_size - range.first) std::abort();
  }
  static const SessionCookie sessions("0123456789abcdef");
  if (sessions.accepts(input.substr(std::min(line_end + 1, size)), std::chrono::system_clock::time_point())) {
    std::abort();
  }
  return 0;
}
