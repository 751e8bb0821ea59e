// svd info: describes a checkpoint.
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "checkpoint/safetensors_header.h"
#include "checkpoint_report.h"
#include "checkpoint_verify.h"
#include "command.h"
#include "interrupt.h"
#include "progress_bar.h"

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

constexpr size_t kMostDamageShown = 10;  // of tensors, for people; JSON has all

void print_text(const Verification& verification) {
  fmt::print("sha256: {}\n", verification.sha256);
  const std::vector<TensorDamage>& damage = verification.damage;
  for (size_t i = 0; i < std::min(damage.size(), kMostDamageShown); ++i) {
    fmt::print("damage: {}, byte {} of the file: {}\n", quoted_name(damage[i].name), damage[i].offset,
               describe(damage[i].defect));
  }
  if (damage.size() > kMostDamageShown) {
    fmt::print("damage: and {} more tensors, the last {}\n", damage.size() - kMostDamageShown,
               quoted_name(damage.back().name));
  }
  if (damage.empty()) {
    fmt::print("no damage found; compare the sha256 with the one published with the file\n");
  } else {
    fmt::print("DAMAGED: {}\n", cause_of(damage.front().defect));
  }
}

nlohmann::json to_json(const std::vector<TensorDamage>& damage) {
  nlohmann::json list = nlohmann::json::array();
  for (const TensorDamage& d : damage) {
    list.push_back({{"tensor", d.name},
                    {"offset", d.offset},
                    {"values", d.defect.count},
                    {"of", d.defect.elements},
                    {"problem", describe(d.defect)},
                    {"cause", cause_of(d.defect)}});
  }
  return list;
}

void print_json(const CheckpointReport& report, const std::optional<Verification>& verification) {
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
  nlohmann::json object = {
      {"path", report.path},     {"bytes", report.file_bytes},  {"version", report.version_guess}, {"parts", parts},
      {"unused", report.unused}, {"metadata", report.metadata}, {"complete", report.complete()}};
  if (verification) {
    object["sha256"] = verification->sha256;
    object["damage"] = to_json(verification->damage);
  }
  fmt::print("{}\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

Verification verify_with_progress(const std::string& file) {
  watch_for_interrupt();
  ProgressBar bar(ProgressBar::detect(false));
  Verification verification = verify_checkpoint(file, [&](double fraction) {
    bar.update("verifying", fraction);
    return !interrupted();
  });
  bar.finish();
  return verification;
}

struct Options {
  std::string file;
  bool json = false, verify = false;
};

int describe_checkpoint(const Options& o) {
  const CheckpointReport report = report_on(o.file);
  std::optional<Verification> verification;
  if (o.verify) verification = verify_with_progress(o.file);
  if (o.json) {
    print_json(report, verification);
  } else {
    print_text(report);
    if (verification) print_text(*verification);
  }
  const bool good = report.complete() && (!verification || verification->damage.empty());
  return good ? kSuccess : kFailure;
}

}  // namespace

void add_info_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<Options>();
  CLI::App* c =
      app.add_subcommand("info", "Describe a checkpoint: its version, parts, sizes and types, and what is missing");
  c->footer(
      "The exit code is 1 if a tensor that the program needs is missing or has the wrong shape or type, or if "
      "--verify\n"
      "finds damage.\n\n"
      "Examples:\n"
      "  svd info checkpoints/svd_xt.safetensors\n"
      "  svd info --verify checkpoints/svd_xt.safetensors        is the download whole?\n"
      "  svd info --json checkpoints/svd_xt.safetensors | jq .complete\n");
  add_path(*c, "file", o->file, "Safetensors file")->required();
  c->add_flag("--verify", o->verify,
              "Read all of it: find NaN, infinities and pieces that were never written, and\n"
              "print the file's SHA-256, to compare with the published one");
  c->add_flag("--json", o->json, "Print one JSON object");
  c->callback([o, &run] { run = [o] { return describe_checkpoint(*o); }; });
}

}  // namespace svd::cli
