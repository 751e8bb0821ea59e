// The long runs that take longest.
#include <gtest/gtest.h>

#include "long_run.h"

namespace svd::test {
namespace {

TEST(LongGolden, Xt25InF32) { expect_golden(kXt25, Precision::f32); }
TEST(LongGolden, Svd14InF32) { expect_golden(kSvd14, Precision::f32); }
TEST(LongGolden, Svd14InBf16) { expect_golden(kSvd14, Precision::bf16); }

}  // namespace
}  // namespace svd::test
