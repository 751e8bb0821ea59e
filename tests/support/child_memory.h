// How much memory a program takes while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace svd::test {

struct ChildRun {
  int exit_code = -1;                 // 128 + the signal's number when a signal ended it
  uint64_t peak_anonymous_bytes = 0;  // the largest RssAnon seen, looked at every millisecond: what it took itself
  std::string errors;                 // its error output
};

// Runs it to its end, without an input; its output is dropped. Throws std::runtime_error when it cannot be started.
ChildRun run_and_measure(std::vector<std::string> arguments);

}  // namespace svd::test
