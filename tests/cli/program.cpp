#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>

#include "support/spawn_arguments.h"
#include "support/tiny_checkpoint.h"

namespace svd::test {
namespace {

std::vector<std::string> environment_of(const Surroundings& surroundings) {
  std::map<std::string, std::string> variables;
  for (char** v = environ; *v; ++v) {
    const std::string text = *v;
    const size_t equals = text.find('=');
    if (!text.starts_with("SVD_") && equals != std::string::npos) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  // OpenMP's threads spin while they wait. With more threads than cores, as when tests run side by side, each of the
  // many small operations of a tiny network then costs a time slice: 12 s instead of 1 s were measured.
  variables["OMP_WAIT_POLICY"] = "passive";
  for (const auto& [name, value] : surroundings.environment) variables[name] = value;
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
  return list;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
  return ends;
}

}  // namespace

std::vector<std::string> Result::output_lines() const {
  std::vector<std::string> lines;
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Program::Program(const Arguments& arguments, const Surroundings& surroundings)
    : deadline_(std::chrono::steady_clock::now() + surroundings.timeout) {
  std::vector<std::string> words = {SVD_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment_of(surroundings);
  const auto output = make_pipe(), errors = make_pipe();

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
  if (!surroundings.folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, surroundings.folder.c_str());
  const int error =
      ::posix_spawn(&process_, SVD_PROGRAM, &actions, nullptr, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  ::close(errors[1]);
  output_ = output[0];
  errors_ = errors[0];
  if (error != 0) {
    process_ = -1;
    close_outputs();
    throw std::runtime_error("cannot start " SVD_PROGRAM);
  }
}

Program::~Program() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  close_outputs();
}

void Program::close_outputs() {
  for (int* end : {&output_, &errors_}) {
    if (*end >= 0) ::close(*end);
    *end = -1;
  }
}

bool Program::read_some() {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  if (left.count() <= 0 || (output_ < 0 && errors_ < 0)) return false;
  std::array<pollfd, 2> ends = {{{output_, POLLIN, 0}, {errors_, POLLIN, 0}}};
  if (::poll(ends.data(), ends.size(), static_cast<int>(left.count())) <= 0) return true;
  const auto read_from = [](const pollfd& end, int& descriptor, std::string& text) {
    if (end.revents == 0) return;
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n > 0) {
      text.append(buffer.data(), static_cast<size_t>(n));
    } else {
      ::close(descriptor);
      descriptor = -1;
    }
  };
  read_from(ends[0], output_, result_.output);
  read_from(ends[1], errors_, result_.errors);
  return true;
}

bool Program::wait_for_errors(const std::string& text) {
  while (result_.errors.find(text) == std::string::npos) {
    if (!read_some()) return false;
  }
  return true;
}

void Program::send(int signal) { ::kill(process_, signal); }

Result Program::finish() {
  while (read_some()) {
  }
  if (output_ >= 0 || errors_ >= 0) {
    result_.timed_out = true;
    ::kill(process_, SIGKILL);
  }
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result_;
}

Result run_svd(const Arguments& arguments, const Surroundings& surroundings) {
  return Program(arguments, surroundings).finish();
}

std::filesystem::path tiny_checkpoint(Version version) {
  return tiny_checkpoint(defaults_of(version).temporal_decoder ? Decoder::temporal : Decoder::image);
}

}  // namespace svd::test
