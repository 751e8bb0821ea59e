// Ctrl-C: the first ends the work in order, the second at once.
#pragma once

namespace svd::cli {

// Takes over SIGINT and SIGTERM. A second signal ends the process immediately, with the same exit code.
void watch_for_interrupt();
bool interrupted();
int interrupt_exit_code();  // 128 + the signal's number: 130 for Ctrl-C

}  // namespace svd::cli
