// One exception type for the library's users.
#pragma once

#include <exception>
#include <new>

#include "base/fail.h"

namespace svd {

// What the libraries below throw becomes the one type that this library throws. Exceptions of the caller's own
// callbacks that are not std::exception pass.
template <typename Work>
auto translated(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "out of memory: the system gave no more");
  } catch (const std::exception& e) {
    fail(ErrorCode::internal, "{}", e.what());
  }
}

}  // namespace svd
