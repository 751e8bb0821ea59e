#include "command.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

namespace svd::cli {

Choices<Version> version_choices() {
  Choices<Version> choices;
  for (const Version v : all_versions()) choices.emplace_back(defaults_of(v).name, v);
  return choices;
}

std::string gibibytes(uint64_t bytes) {
  constexpr double kGiB = 0x1p30, kMiB = 0x1p20;
  const double b = static_cast<double>(bytes);
  return b >= kGiB ? fmt::format("{:.1f} GiB", b / kGiB) : fmt::format("{:.0f} MiB", b / kMiB);
}

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const long whole = std::lround(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

void warn(const std::string& message) { fmt::print(stderr, "svd: warning: {}\n", message); }

}  // namespace svd::cli
