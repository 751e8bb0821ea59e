// What the subcommands of the program share.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>

#include "option_types.h"
#include "svd/options.h"

namespace svd::cli {

// Exit codes of the program.
enum ExitCode : int { kSuccess = 0, kFailure = 1, kUsage = 2 };

// Each adds a subcommand; when it is the one given, its work is stored in `run`, which returns the exit code.
using Run = std::function<int()>;
void add_sample_command(CLI::App& app, Run& run);
void add_info_command(CLI::App& app, Run& run);
void add_synth_command(CLI::App& app, Run& run);
void add_bench_command(CLI::App& app, Run& run);
void add_serve_command(CLI::App& app, Run& run);

// The published models by name, for options.
Choices<Version> version_choices();

std::string gibibytes(uint64_t bytes);  // "5.2 GiB"
std::string duration(double seconds);   // "8.3 s", "2 min 05 s", "1 h 02 min"

// `svd: warning: ...` on the error output.
void warn(const std::string& message);

}  // namespace svd::cli
