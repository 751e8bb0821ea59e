// What the library throws.
#pragma once

#include <stdexcept>
#include <string>

#include "svd/export.h"

namespace svd {

// Why a call failed, for programs; the message is for people.
enum class ErrorCode {
  invalid_argument,  // a request, option or picture that cannot be used as it is
  bad_file,          // a file that is missing, damaged, of another kind, or cannot be written
  out_of_memory,     // the planned work does not fit into the machine's memory
  unsupported,       // right in itself, but not on this machine or in this build
  cancelled,         // the caller's progress callback asked to stop
  internal,          // a bug in this library or in one below it
};

// The one exception type of the library. The message is one line that names the file, the tensor or the
// option, what was expected, what was found and what to do.
class SVD_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace svd
