// The boundary of the library: every public function throws svd::Error and nothing else, except what the caller's own
// callbacks throw, which passes unchanged.
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/fail.h"

namespace svd {

// An exception of a callback on its way through the library. Not a std::exception, so that nothing takes it for its
// own.
struct CallbackException {
  std::exception_ptr cause;
};

// Throws the exception that is being handled, as the caller is to see it.
[[noreturn]] inline void rethrow_translated() {
  try {
    throw;
  } catch (const CallbackException& e) {
    std::rethrow_exception(e.cause);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "out of memory: the system gave no more");
  } catch (const std::length_error&) {
    fail(ErrorCode::out_of_memory, "out of memory: more was asked for than any machine has");
  } catch (const std::filesystem::filesystem_error& e) {
    fail(ErrorCode::bad_file, "{}: {}", e.path1().string(), e.code().message());
  } catch (const std::exception& e) {
    fail(ErrorCode::internal, "{}", e.what());
  } catch (...) {
    fail(ErrorCode::internal, "an exception of an unknown type");
  }
}

// Runs the body of a public function.
template <typename Work>
auto translated(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    rethrow_translated();
  }
}

// `callback`, borrowed, for use inside translated(): what it throws reaches the caller as it was thrown. Empty for an
// empty one.
template <typename Result, typename... Arguments>
std::function<Result(Arguments...)> passing_exceptions(const std::function<Result(Arguments...)>& callback) {
  if (!callback) return {};
  return [&callback](Arguments... arguments) -> Result {
    try {
      return callback(std::forward<Arguments>(arguments)...);
    } catch (...) {
      throw CallbackException{std::current_exception()};
    }
  };
}

}  // namespace svd
