// The threads a computation may use, passed as an argument wherever work is split.
#pragma once

#include <cstdint>
#include <functional>

namespace svd {

// Cores this process may run on (its affinity mask, not the machine's total).
int available_cores();

// A number of threads. The threads themselves are the OpenMP runtime's, the same ones that oneDNN uses: two
// pools would fight for the cores. (The ThreadSanitizer build uses std::thread: it cannot see into libgomp.)
class Threads {
 public:
  explicit Threads(int count);
  int count() const { return count_; }

  // Runs body(begin, end) on disjoint ranges that cover [0, n), one contiguous range per thread. Returns when all
  // are done. The first exception thrown by a body is rethrown here.
  void for_ranges(int64_t n, const std::function<void(int64_t begin, int64_t end)>& body) const;

  // Runs body(i) for every i in [0, n), handed out one by one: for tasks of unequal length.
  void for_each(int64_t n, const std::function<void(int64_t i)>& body) const;

 private:
  int count_;
};

}  // namespace svd
