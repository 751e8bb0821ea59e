// Running a program as a user does: arguments, environment, a folder; and what came back.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace svd::test {

struct ProgramResult {
  int exit_code = -1;  // 128 + n after signal n
  bool timed_out = false;
  std::string output, errors;
  double seconds = 0;
};

struct RunOptions {
  std::filesystem::path folder = {};                                   // to run in; empty: this one
  std::map<std::string, std::optional<std::string>> environment = {};  // changes; nullopt takes a variable away
  // Asked again and again with what the error output has so far; the first true sends SIGINT.
  std::function<bool(const std::string& errors)> interrupt_when = {};
  std::chrono::seconds timeout{200};  // then this child, and only it, is killed
};

// Throws std::runtime_error when the program cannot be started.
ProgramResult run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const RunOptions& options = {});

}  // namespace svd::test
