#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/fail.h"

namespace svd {
namespace {

// Keeps a team's first exception, to be rethrown by the thread that started the team.
class FirstException {
 public:
  template <typename Body>
  void guard(const Body& body) noexcept {
    try {
      body();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!exception_) exception_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr exception_;
};

// Runs member(k) for every k in [0, team), concurrently.
void run_team(int team, const std::function<void(int)>& member) {
#ifdef SVD_PARALLEL_STD
  std::vector<std::thread> others;
  for (int k = 1; k < team; ++k) others.emplace_back(member, k);
  member(0);
  for (auto& t : others) t.join();
#else
#pragma omp parallel for num_threads(team) schedule(static, 1)
  for (int k = 0; k < team; ++k) member(k);
#endif
}

}  // namespace

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

Threads::Threads(int count) : count_(count) {
  if (count < 1 || count > 1024) {
    fail(ErrorCode::invalid_argument, "threads: expected a number from 1 to 1024, found {}", count);
  }
}

void Threads::for_ranges(int64_t n, const std::function<void(int64_t, int64_t)>& body) const {
  const int team = static_cast<int>(std::min<int64_t>(count_, n));
  if (team <= 1) {
    if (n > 0) body(0, n);
    return;
  }
  FirstException first;
  run_team(team, [&](int k) { first.guard([&] { body(n * k / team, n * (k + 1) / team); }); });
  first.rethrow();
}

void Threads::for_each(int64_t n, const std::function<void(int64_t)>& body) const {
  const int team = static_cast<int>(std::min<int64_t>(count_, n));
  if (team <= 1) {
    for (int64_t i = 0; i < n; ++i) body(i);
    return;
  }
  std::atomic<int64_t> next{0};
  FirstException first;
  run_team(team, [&](int) {
    first.guard([&] {
      for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) body(i);
    });
  });
  first.rethrow();
}

}  // namespace svd
