// svd synth: a checkpoint whose weights come from a formula.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>

#include "base/fail.h"
#include "command.h"
#include "interrupt.h"
#include "models/checkpoint_layout.h"
#include "progress_bar.h"
#include "svd/options.h"

namespace svd::cli {
namespace {

struct SynthOptions {
  std::string size = "tiny", version = "svd", dtype = "f16", output;
  bool force = false;
  int threads = 0;
};

const std::map<std::string, DType> kTypes = {{"f32", DType::f32}, {"f16", DType::f16}, {"bf16", DType::bf16}};

int synthesize(const SynthOptions& o) {
  namespace fs = std::filesystem;
  const fs::path path = o.output;
  std::error_code error;
  if (fs::exists(path, error) && !o.force) {
    fail(ErrorCode::bad_file, "{}: there already; --force overwrites it", path.string());
  }
  const StableVideoConfig config = synthetic_config(o.size, defaults_of(*version_named(o.version)).temporal_decoder);
  const ShapeList shapes = checkpoint_layout(config, o.size == "full" ? TextSide::yes : TextSide::no);
  const DType type = kTypes.at(o.dtype);
  uint64_t bytes = 0;
  for (const auto& [name, shape] : shapes) bytes += static_cast<uint64_t>(shape.numel()) * size_of(type);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  fs::create_directories(folder, error);
  if (const fs::space_info space = fs::space(folder, error); !error && space.available < bytes) {
    fail(ErrorCode::bad_file, "{}: needs {}, the disk has {}", path.string(), gibibytes(bytes),
         gibibytes(space.available));
  }
  watch_for_interrupt();
  ProgressBar bar(ProgressBar::detect(false));
  write_synthetic(path, shapes, type, Threads(o.threads > 0 ? o.threads : available_cores()), [&](double fraction) {
    if (interrupted()) fail(ErrorCode::cancelled, "cancelled; {} was not written", path.string());
    bar.update("writing", fraction);
  });
  bar.finish();
  fmt::print(stderr, "{}: {} tensors, {} ({}, {}, {})\n", path.string(), shapes.size(), gibibytes(bytes), o.version,
             o.size, o.dtype);
  return kSuccess;
}

}  // namespace

void add_synth_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<SynthOptions>();
  CLI::App* c = app.add_subcommand("synth", "Write a checkpoint of weights from a formula, for tests and measurements");
  c->footer("Such weights make noise, not pictures. The formula: tests/golden/README.md.");
  std::vector<std::string> versions;
  for (const Version v : all_versions()) versions.emplace_back(defaults_of(v).name);
  c->add_option("--size", o->size, "tiny: small widths; full: the published ones")
      ->check(CLI::IsMember({"tiny", "full"}))
      ->capture_default_str();
  c->add_option("--version", o->version, "Decides which decoder it has")
      ->check(CLI::IsMember(versions))
      ->capture_default_str();
  c->add_option("--dtype", o->dtype, "Type of the weights")
      ->check(CLI::IsMember({"f32", "f16", "bf16"}))
      ->capture_default_str();
  c->add_option("--output", o->output, "Safetensors file")->required();
  c->add_option("--threads", o->threads, "Default: all cores")->check(CLI::Range(1, 1024));
  c->add_flag("--force", o->force, "Overwrite the file");
  c->callback([o, &run] { run = [o] { return synthesize(*o); }; });
}

}  // namespace svd::cli
