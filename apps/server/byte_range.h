// Which part of a file a request asks for: RFC 9110, section 14.
#pragma once

#include <cstdint>
#include <string_view>

namespace svd::server {

struct ByteRange {
  enum class Kind {
    whole,  // none asked for, or one that is not understood, or several, which a server may answer with all
    part,   // [first, first + length), which lies within the file
    unsatisfiable
  } kind = Kind::whole;
  uint64_t first = 0, length = 0;  // of a part
};

// `header` is the value of Range, empty when there is none.
ByteRange choose_range(std::string_view header, uint64_t file_size);

}  // namespace svd::server
