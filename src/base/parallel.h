// The threads that a computation may use, passed as an argument wherever work is split.
#pragma once

#include <cstdint>
#include <functional>

namespace svd {

// The number of cores that this process may run on: its affinity mask, not the machine's total.
int available_cores();

// A number of threads. The threads themselves belong to the OpenMP runtime and are those that oneDNN uses: two pools
// would compete for the cores. (The ThreadSanitizer build uses std::thread, as the sanitizer cannot see into libgomp.)
// Immutable, thread-safe.
class Threads {
 public:
  explicit Threads(int count);  // throws Error(invalid_argument) unless it is 1 to 1024
  int count() const { return count_; }

  // Runs body(begin, end) on disjoint ranges that cover [0, n), one contiguous range per thread, and returns when all
  // are done. The first exception that a body throws is rethrown.
  void for_ranges(int64_t n, const std::function<void(int64_t begin, int64_t end)>& body) const;

  // The same for body(i) and every i in [0, n), handed out one by one: for tasks of unequal length.
  void for_each(int64_t n, const std::function<void(int64_t i)>& body) const;

 private:
  int count_;
};

}  // namespace svd
