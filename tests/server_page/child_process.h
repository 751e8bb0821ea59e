// A program that runs beside the test: the server, the browser's driver.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace svd::test {

// Its output and errors go to a file. It gets the surroundings of this process less the variables of svd, and a process
// group of its own, which the destructor ends, with everything that the program started. Not thread-safe.
class ChildProcess {
 public:
  // Throws std::runtime_error if it cannot be started.
  ChildProcess(const std::vector<std::string>& command, const std::filesystem::path& folder, std::filesystem::path log);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  bool is_running();

  // Asks it to end, and returns its exit code, 128 + the signal's number if a signal ended it; nothing if it still runs
  // after `patience`.
  std::optional<int> stop(std::chrono::seconds patience = std::chrono::seconds(10));

  std::string log() const;

 private:
  pid_t process_ = -1;
  int status_ = 0;
  std::filesystem::path log_;
};

// The full path of a program that is on the search path.
std::optional<std::filesystem::path> find_program(const std::string& name);

// A port of 127.0.0.1 that nobody listens on at the moment.
int free_port();

}  // namespace svd::test
