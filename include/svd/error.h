// What the library throws.
#pragma once

#include <stdexcept>
#include <string>

#include "svd/export.h"

namespace svd {

// Why a call failed, for programs; the message is for people.
enum class ErrorCode {
  invalid_argument,  // a request, option, picture or object that cannot be used as it is
  bad_file,          // a file that is missing, damaged, of another kind, or cannot be written
  out_of_memory,     // the work does not fit into the machine's memory
  unsupported,       // a valid wish that this machine or this build cannot fulfil
  cancelled,         // the progress callback asked to stop
  internal,          // a bug in this library or in one below it
};

// The one exception type of the library: every function and constructor in these headers throws Error or nothing. What
// a callback of the caller throws is no error of the library: it ends the call and reaches the caller as it was thrown,
// whatever its type.
//
// The message is one line that names the file, the tensor or the option, what was expected, what was found and what to
// do. Copying an Error does not throw.
class SVD_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace svd
