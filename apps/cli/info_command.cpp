// svd info: describes a checkpoint.
#include <fmt/ranges.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/safetensors_header.h"
#include "checkpoint_report.h"
#include "command.h"

namespace svd::cli {
namespace {

std::string types_of(const PartReport& part) {
  std::vector<std::string> types;
  for (const auto& [type, count] : part.types) {
    types.push_back(part.types.size() == 1 ? type : fmt::format("{} ({} tensors)", type, count));
  }
  return types.empty() ? "nothing" : fmt::format("{}", fmt::join(types, ", "));
}

void print_text(const CheckpointReport& report) {
  fmt::print("{}: {}\nversion: {}\n", report.path, gibibytes(report.file_bytes), report.version_guess);
  for (const PartReport& part : report.parts) {
    fmt::print("\n{} ({})\n", part.name, part.prefix);
    if (!part.sizes.empty()) fmt::print("  {}\n", part.sizes);
    fmt::print("  {} tensors, {:.1f} million parameters, {}, {}\n", part.tensors,
               static_cast<double>(part.parameters) / 1e6, gibibytes(part.bytes), types_of(part));
    if (!part.missing.empty()) fmt::print("  missing: {}\n", part.missing_summary);
    for (const std::string& problem : part.problems) fmt::print("  problem: {}\n", problem);
  }
  fmt::print("\nunused: {} tensors\n", report.unused);
  for (const auto& [key, value] : report.metadata)
    fmt::print("metadata {}: {}\n", quoted_name(key), quoted_name(value));
  fmt::print("{}\n", report.complete() ? "complete" : "INCOMPLETE: this file cannot be used");
}

void print_json(const CheckpointReport& report) {
  nlohmann::json parts = nlohmann::json::array();
  for (const PartReport& part : report.parts) {
    parts.push_back({{"name", part.name},
                     {"prefix", part.prefix},
                     {"sizes", part.sizes},
                     {"tensors", part.tensors},
                     {"parameters", part.parameters},
                     {"bytes", part.bytes},
                     {"dtypes", part.types},
                     {"missing", part.missing},
                     {"problems", part.problems}});
  }
  const nlohmann::json object = {
      {"path", report.path},     {"bytes", report.file_bytes},  {"version", report.version_guess}, {"parts", parts},
      {"unused", report.unused}, {"metadata", report.metadata}, {"complete", report.complete()}};
  fmt::print("{}\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace

void add_info_command(CLI::App& app, Run& run) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto o = std::make_shared<Options>();
  CLI::App* c =
      app.add_subcommand("info", "Describe a checkpoint: its version, parts, sizes and types, and what is missing");
  c->footer(
      "The exit code is 1 if a tensor that the program needs is missing or has the wrong shape or type.\n\n"
      "Examples:\n"
      "  svd info checkpoints/svd_xt.safetensors\n"
      "  svd info --json checkpoints/svd_xt.safetensors | jq .complete\n");
  add_path(*c, "file", o->file, "Safetensors file")->required();
  c->add_flag("--json", o->json, "Print one JSON object");
  c->callback([o, &run] {
    run = [o] {
      const CheckpointReport report = report_on(o->file);
      o->json ? print_json(report) : print_text(report);
      return report.complete() ? kSuccess : kFailure;
    };
  });
}

}  // namespace svd::cli
