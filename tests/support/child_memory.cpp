#include "support/child_memory.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "support/spawn_arguments.h"

namespace svd::test {
namespace {

uint64_t anonymous_bytes_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "RssAnon: %llu", &kib) == 1) return kib << 10;
  }
  return 0;
}

// What was written to a pipe whose other end is closed, or what is there by now.
void append_available(int pipe, std::string& text) {
  char buffer[4096];
  for (ssize_t n; (n = ::read(pipe, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
}

}  // namespace

ChildRun run_and_measure(std::vector<std::string> arguments) {
  int errors[2];
  if (::pipe2(errors, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  ::fcntl(errors[0], F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  pid_t process = -1;
  const int failed =
      ::posix_spawn(&process, arguments[0].c_str(), &actions, nullptr, pointers(arguments).data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(errors[1]);
  ChildRun run;
  int status = 0;
  while (!failed && ::waitpid(process, &status, WNOHANG) == 0) {
    run.peak_anonymous_bytes = std::max(run.peak_anonymous_bytes, anonymous_bytes_of(process));
    append_available(errors[0], run.errors);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  append_available(errors[0], run.errors);
  ::close(errors[0]);
  if (failed) throw std::runtime_error(arguments[0] + ": " + std::strerror(failed));
  run.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return run;
}

}  // namespace svd::test
