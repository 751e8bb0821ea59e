// Users of the library see one exception type.
#pragma once

#include <exception>
#include <new>

#include "base/fail.h"

namespace svd {

// Runs `work` and translates what the libraries underneath throw into Error. Exceptions from the caller's callbacks
// that are not derived from std::exception pass through unchanged.
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
