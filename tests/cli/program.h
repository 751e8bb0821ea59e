// Running the real program, as a user or a script does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "svd/options.h"

namespace svd::test {

using Arguments = std::vector<std::string>;

struct Result {
  int exit_code = -1;  // 128 + the signal's number when a signal ended it
  bool timed_out = false;
  std::string output, errors;

  std::vector<std::string> output_lines() const;
};

struct Surroundings {
  std::filesystem::path folder = {};                    // that it runs in; empty: this one
  std::map<std::string, std::string> environment = {};  // added to this process's own, less the program's variables
  std::chrono::seconds timeout = std::chrono::seconds(120);
};

// A program that runs. Not thread-safe; ended by the destructor if it is still there. Throws std::runtime_error.
class Program {
 public:
  explicit Program(const Arguments& arguments, const Surroundings& surroundings = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // False when the program ended, or ran out of time, without writing that to its error output.
  bool wait_for_errors(const std::string& text);
  void send(int signal);
  Result finish();

 private:
  bool read_some();  // false at the end of both outputs or of the time
  void close_outputs();

  pid_t process_ = -1;
  int output_ = -1, errors_ = -1;  // ends of pipes
  std::chrono::steady_clock::time_point deadline_;
  Result result_;
};

Result run_svd(const Arguments& arguments, const Surroundings& surroundings = {});

// A tiny checkpoint with the decoder of that version (support/tiny_checkpoint.h).
std::filesystem::path tiny_checkpoint(Version version = Version::svd);

}  // namespace svd::test
