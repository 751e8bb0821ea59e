// What to compute on: options that several commands have.
#pragma once

#include <CLI/App.hpp>

#include "option_types.h"
#include "svd/options.h"

namespace svd::cli {

inline const Choices<Device> kDevices = {
    {"auto", Device::automatic}, {"cpu", Device::cpu}, {"cuda", Device::cuda}, {"reference", Device::reference}};
inline const Choices<Precision> kPrecisions = {
    {"auto", Precision::automatic}, {"f32", Precision::f32}, {"bf16", Precision::bf16}};

inline CLI::Option* add_device(CLI::App& app, Device& target) {
  return add_choice(app, "--device", target, kDevices,
                    "auto (the best there is), cpu, cuda or reference (plain loops, for checking)")
      ->capture_default_str();
}

inline CLI::Option* add_precision(CLI::App& app, Precision& target) {
  return add_choice(app, "--precision", target, kPrecisions, "auto (bf16; f32 on the reference device), f32 or bf16")
      ->capture_default_str();
}

// Sets the target only when the option is given.
inline CLI::Option* add_threads(CLI::App& app, int& target) {
  return add_number(app, "--threads", target, {1, 1024}, "1 to 1024; default: all cores");
}

}  // namespace svd::cli
