// svd synth: a checkpoint with weights from a formula.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/fail.h"
#include "command.h"
#include "interrupt.h"
#include "machine_options.h"
#include "models/checkpoint_layout.h"
#include "progress_bar.h"
#include "sample_output.h"
#include "svd/options.h"

namespace svd::cli {
namespace {

struct SynthOptions {
  std::string size = "tiny", output;
  Version version = Version::svd;
  DType dtype = DType::f16;
  bool force = false;
  int threads = 0;
};

int synthesize(const SynthOptions& o) {
  watch_for_interrupt();  // before anything is written to disk
  namespace fs = std::filesystem;
  const fs::path path = o.output;
  std::error_code error;
  if (fs::exists(path, error) && !o.force) {
    fail(ErrorCode::bad_file, "{}: the file exists; --force overwrites it", path.string());
  }
  const VersionDefaults& version = defaults_of(o.version);
  const StableVideoConfig config = synthetic_config(o.size, version.temporal_decoder);
  const ShapeList shapes = checkpoint_layout(config, o.size == "full" ? TextSide::yes : TextSide::no);
  uint64_t bytes = 0;
  for (const auto& [name, shape] : shapes) bytes += static_cast<uint64_t>(shape.numel()) * size_of(o.dtype);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  prepare_folder(folder, "output");
  if (const fs::space_info space = fs::space(folder, error); !error && space.available < bytes) {
    fail(ErrorCode::bad_file, "{}: needs {}, but the disk has {} free", path.string(), gibibytes(bytes),
         gibibytes(space.available));
  }
  ProgressBar bar(ProgressBar::detect(false));
  write_synthetic(path, shapes, o.dtype, Threads(o.threads > 0 ? o.threads : available_cores()), [&](double fraction) {
    if (interrupted()) fail(ErrorCode::cancelled, "cancelled; {} was not written", path.string());
    bar.update("writing", fraction);
  });
  bar.finish();
  fmt::print(stderr, "{}: {} tensors, {} ({}, {}, {})\n", path.string(), shapes.size(), gibibytes(bytes), version.name,
             o.size, name_of(o.dtype));
  return kSuccess;
}

}  // namespace

void add_synth_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<SynthOptions>();
  CLI::App* c =
      app.add_subcommand("synth", "Write a checkpoint with weights from a formula, for tests and measurements");
  c->footer(
      "Such weights make noise, not pictures, but load and run like trained ones. The formula is in\n"
      "tests/golden/README.md. An existing file is kept unless --force is given, and free disk space is checked "
      "first.\n\n"
      "Examples:\n"
      "  svd synth --output tiny.safetensors                            138 MiB\n"
      "  svd sample photo.jpg --checkpoint tiny.safetensors --num_steps 5\n"
      "  svd synth --size full --version svd_xt --output full.safetensors\n"
      "                                                                 4.5 GiB, as large as the published ones in "
      "f16\n");
  add_choice<std::string>(*c, "--size", o->size, {{"tiny", "tiny"}, {"full", "full"}},
                          "tiny (the same structure with small widths) or full (the published ones)")
      ->capture_default_str();
  add_choice(*c, "--version", o->version, version_choices(),
             "svd, svd_xt, svd_image_decoder, svd_xt_image_decoder or svd_xt_1_1: decides\n"
             "between the temporal and the image decoder")
      ->capture_default_str();
  add_choice<DType>(*c, "--dtype", o->dtype, {{"f32", DType::f32}, {"f16", DType::f16}, {"bf16", DType::bf16}},
                    "Type of the weights: f32, f16 or bf16")
      ->capture_default_str();
  add_path(*c, "--output", o->output, "Safetensors file to write")->required();
  add_threads(*c, o->threads);
  c->add_flag("--force", o->force, "Overwrite an existing file");
  c->callback([o, &run] { run = [o] { return synthesize(*o); }; });
}

}  // namespace svd::cli
