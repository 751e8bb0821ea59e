// What to compute on: options that several commands have.
#pragma once

#include <CLI/App.hpp>

#include "svd/options.h"

namespace svd::cli {

// As device_named() reads it, in any letter case.
CLI::Option* add_device(CLI::App& app, Device& target);
CLI::Option* add_precision(CLI::App& app, Precision& target);
// Sets the target only when the option is given.
CLI::Option* add_threads(CLI::App& app, int& target);

}  // namespace svd::cli
