// A machine that runs out of memory, for tests: one allocation of this thread fails. For programs with failing_new.cpp
// among their sources, which replaces operator new.
#pragma once

#include <gtest/gtest.h>

#include "svd/error.h"

namespace svd::test {

// The allocation with number `after` from now on throws std::bad_alloc, the ones before and after it do not.
void fail_allocation(long after);

// Ends that; whether it came to pass.
bool stop_failing();

// Calls `call` again and again, another allocation failing each time, until it makes no more of them (`stride` 1: every
// one; more: some, ever farther apart). Each time it must succeed or throw Error(out_of_memory).
template <typename Call>
void expect_out_of_memory_is_an_error(const Call& call, double stride = 1) {
  for (double after = 0;; after = after * stride + 1) {
    fail_allocation(static_cast<long>(after));
    try {
      call();
      if (!stop_failing()) return;
    } catch (const Error& e) {
      if (!stop_failing()) return ADD_FAILURE() << e.what();
      EXPECT_EQ(e.code(), ErrorCode::out_of_memory) << "allocation " << after << ": " << e.what();
    } catch (...) {
      stop_failing();
      return ADD_FAILURE() << "allocation " << after << ": something else than svd::Error was thrown";
    }
  }
}

}  // namespace svd::test
