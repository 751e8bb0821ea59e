#include "run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string_view>

extern char** environ;

namespace svd::test {
namespace {

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error(std::strerror(errno));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void close_writer() { close_end(1); }

  // False at the end of what the program writes.
  bool read_into(std::string& text) const {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(reader(), buffer.data(), buffer.size());
    if (n > 0) text.append(buffer.data(), static_cast<size_t>(n));
    return n > 0 || (n < 0 && errno == EINTR);
  }

 private:
  void close_end(size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

std::vector<std::string> changed_environment(const RunOptions& options) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    if (!options.environment.contains(std::string(text.substr(0, text.find('='))))) result.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& s : strings) result.push_back(s.data());
  result.push_back(nullptr);
  return result;
}

pid_t start(const std::filesystem::path& program, std::vector<std::string> arguments, const RunOptions& options,
            const Pipe& output, const Pipe& errors) {
  arguments.insert(arguments.begin(), program.string());
  std::vector<std::string> environment = changed_environment(options);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output.writer(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, errors.writer(), STDERR_FILENO);
  if (!options.folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, options.folder.c_str());
  pid_t child = -1;
  const int error = ::posix_spawn(&child, program.c_str(), &actions, nullptr, pointers(arguments).data(),
                                  pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(program.string() + ": " + std::strerror(error));
  return child;
}

}  // namespace

ProgramResult run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                          const RunOptions& options) {
  constexpr int kPollMilliseconds = 20;
  const auto begin = std::chrono::steady_clock::now();
  Pipe output, errors;
  const pid_t child = start(program, arguments, options, output, errors);
  output.close_writer();
  errors.close_writer();

  ProgramResult result;
  std::array<pollfd, 2> reads = {pollfd{output.reader(), POLLIN, 0}, pollfd{errors.reader(), POLLIN, 0}};
  bool interrupted = false;
  while (reads[0].fd >= 0 || reads[1].fd >= 0) {
    if (::poll(reads.data(), reads.size(), kPollMilliseconds) > 0) {
      if (reads[0].fd >= 0 && reads[0].revents && !output.read_into(result.output)) reads[0].fd = -1;
      if (reads[1].fd >= 0 && reads[1].revents && !errors.read_into(result.errors)) reads[1].fd = -1;
    }
    // The child is not waited for yet, so its number is still its own.
    if (!interrupted && options.interrupt_when && options.interrupt_when(result.errors)) {
      interrupted = true;
      ::kill(child, SIGINT);
    }
    if (!result.timed_out && std::chrono::steady_clock::now() - begin > options.timeout) {
      result.timed_out = true;
      ::kill(child, SIGKILL);
    }
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace svd::test
