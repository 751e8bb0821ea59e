// Forms: the first line is the Content-Type, the rest the body. Parts must lie within the body.
#include "multipart.h"

#include <cstdint>
#include <cstdlib>

#include "api_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line_end = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(line_end + 1, input.size()));
  try {
    for (const auto& part : svd::server::parse_multipart(input.substr(0, line_end), body)) {
      const bool inside =
          part.content.data() >= body.data() && part.content.data() + part.content.size() <= body.data() + body.size();
      if (!inside) std::abort();
    }
  } catch (const svd::server::ApiError&) {
  }
  return 0;
}
