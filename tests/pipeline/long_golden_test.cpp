// The shorter of the long runs: 25 frames, two chunks of the decoder. The others are in long_runs_test.cpp.
#include <gtest/gtest.h>

#include "long_run.h"

namespace svd::test {
namespace {

TEST(LongGolden, Xt25InBf16) { expect_golden(kXt25, Precision::bf16); }

}  // namespace
}  // namespace svd::test
