#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "svd/error.h"

namespace svd {
namespace {

class ThreadCount : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, ThreadCount, testing::Values(1, 2, 3, 7));

TEST_P(ThreadCount, RangesCoverEachElementOnce) {
  const Threads threads(GetParam());
  EXPECT_EQ(threads.count(), GetParam());
  for (const int64_t n : {0, 1, 2, 3, 6, 7, 8, 1000}) {
    std::vector<std::atomic<int>> seen(n);
    std::atomic<int> calls{0};
    threads.for_ranges(n, [&](int64_t begin, int64_t end) {
      EXPECT_LT(begin, end);
      ++calls;
      for (int64_t i = begin; i < end; ++i) ++seen[i];
    });
    for (const auto& count : seen) EXPECT_EQ(count, 1);
    EXPECT_EQ(calls, std::min<int64_t>(n, GetParam()));
  }
}

TEST_P(ThreadCount, EachRunsOnce) {
  const Threads threads(GetParam());
  for (const int64_t n : {0, 1, 5, 300}) {
    std::vector<std::atomic<int>> seen(n);
    threads.for_each(n, [&](int64_t i) { ++seen[i]; });
    for (const auto& count : seen) EXPECT_EQ(count, 1);
  }
}

TEST_P(ThreadCount, ExceptionsComeBack) {
  const Threads threads(GetParam());
  EXPECT_THROW(threads.for_ranges(10, [](int64_t, int64_t) { throw Error(ErrorCode::cancelled, "stop"); }), Error);
  const auto at_17 = [](int64_t i) {
    if (i == 17) throw std::runtime_error("17");
  };
  EXPECT_THROW(threads.for_each(100, at_17), std::runtime_error);
  std::atomic<int> count{0};  // and the next work runs as if nothing had been
  threads.for_each(100, [&](int64_t) { ++count; });
  EXPECT_EQ(count, 100);
}

TEST(Threads, RefusesImpossibleNumbers) {
  EXPECT_THROW(Threads(0), Error);
  EXPECT_THROW(Threads(-1), Error);
  EXPECT_THROW(Threads(1025), Error);
  EXPECT_GE(available_cores(), 1);
}

}  // namespace
}  // namespace svd
