// The message of the error that a call ends with.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "svd/error.h"

namespace svd::test {

// Fails the test when the call does not throw an Error, or one of another code.
template <typename Call>
std::string message_of(ErrorCode code, const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace svd::test
