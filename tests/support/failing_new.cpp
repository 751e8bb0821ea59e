#include "support/failing_new.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace svd::test {
namespace {

thread_local long countdown = -1;  // allocations until the one that fails; -1: none does
thread_local bool failed = false;

}  // namespace

void fail_allocation(long after) {
  failed = false;
  countdown = after;
}

bool stop_failing() {
  countdown = -1;
  return std::exchange(failed, false);
}

void* allocate(size_t bytes) {
  if (countdown >= 0 && countdown-- == 0) {
    failed = true;
    throw std::bad_alloc();
  }
  if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace svd::test

void* operator new(size_t bytes) { return svd::test::allocate(bytes); }
void* operator new[](size_t bytes) { return svd::test::allocate(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
