#include "interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace svd::cli {
namespace {

std::atomic<int> received{0};  // number of the first signal
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  int none = 0;
  if (!received.compare_exchange_strong(none, number)) ::_exit(128 + number);
}

}  // namespace

void watch_for_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() { return received.load() != 0; }

int interrupt_exit_code() { return 128 + received.load(); }

}  // namespace svd::cli
