// The program: finds the subcommand, runs it, and turns errors into messages and exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "help_formatter.h"
#include "interrupt.h"
#include "svd/error.h"
#include "svd/version.h"

namespace svd::cli {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  svd sample --version svd_demo                 the small bundled model\n"
    "  svd sample photo.jpg                          14 frames with checkpoints/svd.safetensors\n"
    "  svd sample --input_path=photo.jpg --version=svd_xt --num_frames=20\n"
    "  svd serve                                     the web page, at http://127.0.0.1:8501\n"
    "  svd info checkpoints/svd_xt.safetensors       what the file contains, and what is missing\n"
    "  svd synth --size tiny --output tiny.safetensors\n"
    "                                                weights from a formula, for tests (they make noise)\n"
    "`svd COMMAND --help` lists a command's options.";

// Option names may be written with - or _; internally they have _.
std::vector<std::string> with_underscores(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (std::string& argument : arguments) {
    if (argument == "--") break;  // no options follow
    if (!argument.starts_with("--")) continue;
    const size_t end = std::min(argument.find('='), argument.size());
    for (size_t i = 2; i < end; ++i) {
      if (argument[i] == '-') argument[i] = '_';
    }
  }
  return {arguments.rbegin(), arguments.rend()};  // CLI11 consumes them from the back
}

int run(int argc, char** argv) {
  CLI::App app("Stable Video Diffusion: one picture in, a short video out.", "svd");
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_version_flag("--version", fmt::format("svd {}\nbuilt with {}", version(), build_info()));
  app.footer(kFooter);
  app.require_subcommand(1);
  Run command;
  add_sample_command(app, command);
  add_info_command(app, command);
  add_synth_command(app, command);
  add_bench_command(app, command);
  add_serve_command(app, command);
  try {
    app.parse(with_underscores(argc, argv));
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(e);  // --help, --version
    const CLI::App* used = app.get_subcommands().empty() ? &app : app.get_subcommands().front();
    std::string message = e.what();
    if (used == &app) {
      message = fmt::format("{}: expected a command: sample, serve, info, synth or bench",
                            argc > 1 ? argv[1] : "no arguments");
    }
    fmt::print(stderr, "svd: error: {}\nTry `{} --help`.\n", message, used == &app ? "svd" : "svd " + used->get_name());
    return kUsage;
  }
  return command();
}

// A path that could not be printed is a result that the caller does not get.
int with_output_written(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  fmt::print(stderr, "svd: error: standard output cannot be written{}{}\n", errno != 0 ? ": " : "",
             errno != 0 ? std::strerror(errno) : "");
  return exit_code == kSuccess ? kFailure : exit_code;
}

}  // namespace
}  // namespace svd::cli

int main(int argc, char** argv) {
  using namespace svd::cli;
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is then an error like a full disk, with a message
  try {
    return with_output_written(run(argc, argv));
  } catch (const svd::Error& e) {
    if (e.code() == svd::ErrorCode::cancelled && interrupted()) {
      fmt::print(stderr, "svd: {}\n", e.what());
      return interrupt_exit_code();
    }
    fmt::print(stderr, "svd: error: {}\n", e.what());
    return e.code() == svd::ErrorCode::invalid_argument ? kUsage : kFailure;
  } catch (const std::exception& e) {
    fmt::print(stderr, "svd: error: {}\n", e.what());
    return kFailure;
  }
}
