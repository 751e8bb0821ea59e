// svd bench: how fast the networks run on this machine.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "bench/benchmark.h"
#include "bench/report.h"
#include "command.h"
#include "interrupt.h"
#include "machine_options.h"
#include "svd/request_fields.h"

namespace svd::cli {
namespace {

struct BenchCommandOptions {
  std::string size = "576x1024", model = "full";
  Device device = DeviceKind::cpu;
  Precision precision = Precision::automatic;
  int frames = 14, decode_frames = 0;  // 0: as frames
  int threads = 0, repeat = 1;
  std::vector<std::string> skip;
  bool json = false, ops = true;
};

// "576x1024": height and width. That they are multiples of 64 the library checks.
void parse_size(std::string_view text, int& height, int& width) {
  const char* const end = text.data() + text.size();
  const auto [x, error] = std::from_chars(text.data(), end, height);
  if (error == std::errc() && x != end && *x == 'x') {
    const auto [rest, width_error] = std::from_chars(x + 1, end, width);
    if (width_error == std::errc() && rest == end) return;
  }
  fail(ErrorCode::invalid_argument, "size: expected HEIGHTxWIDTH, as in 576x1024, found {}", text);
}

bool skips(const BenchCommandOptions& o, std::string_view call) {
  return std::find(o.skip.begin(), o.skip.end(), call) != o.skip.end();
}

int run_bench(const BenchCommandOptions& o) {
  bench::BenchOptions options{.model = o.model,
                              .device = o.device,
                              .precision = o.precision,
                              .threads = o.threads,
                              .repeat = o.repeat,
                              .ops = o.ops,
                              .encode = !skips(o, "encode"),
                              .unet = !skips(o, "unet"),
                              .decode = !skips(o, "decode")};
  parse_size(o.size, options.sizes.height, options.sizes.width);
  options.sizes.frames = o.frames;
  options.sizes.decode_frames = o.decode_frames > 0 ? o.decode_frames : o.frames;

  watch_for_interrupt();
  const bench::BenchReport report = bench::run_benchmark(
      options, {.note = [](std::string_view text) { fmt::print(stderr, "{}\n", text); }, .stop = interrupted});
  fmt::print("{}", o.json ? bench::to_json(report) : bench::to_table(report));
  std::fflush(stdout);
  return kSuccess;
}

}  // namespace

void add_bench_command(CLI::App& app, Run& run) {
  auto o = std::make_shared<BenchCommandOptions>();
  CLI::App* c = app.add_subcommand("bench", "Measure how fast the networks run on this machine");
  c->footer(
      "Weights are made in memory; no checkpoint is needed. Speeds are of useful operations, 2 per multiply-add of "
      "the\n"
      "model's definition, and stand beside the most that a loop of such instructions reaches on the same threads.\n"
      "SVD_FORCE_ISA=avx2|avx512|avx512_bf16|amx_bf16 measures as on a lesser CPU. Results go to the standard output,\n"
      "progress to the error output.\n\n"
      "Examples:\n"
      "  svd bench                                     the real sizes; minutes, and about 5 GiB of memory\n"
      "  svd bench --size 320x512 --skip encode --no-ops --repeat 3 --json\n");
  const RequestField& frames = request_field("num_frames");
  const NumberRange<int> range{static_cast<int>(frames.min), static_cast<int>(frames.max)};
  c->add_option("--size", o->size, "HEIGHTxWIDTH of the video, multiples of 64")->capture_default_str();
  add_number(*c, "--frames", o->frames, range, "Of a UNet call")->capture_default_str();
  add_number(*c, "--decode_frames", o->decode_frames, range, "Decoded at once; default: as frames");
  add_choice<std::string>(*c, "--model", o->model, {{"tiny", "tiny"}, {"full", "full"}},
                          "tiny: small widths; full: the published ones")
      ->capture_default_str();
  add_device(*c, o->device);
  add_precision(*c, o->precision);
  add_threads(*c, o->threads);
  add_number(*c, "--repeat", o->repeat, {1, 1000}, "Whole calls of each network; the median counts")
      ->capture_default_str();
  c->add_option("--skip", o->skip, "Leave out; may be given several times (encode: VAE encoder and CLIP)")
      ->check(CLI::IsMember({"unet", "decode", "encode"}))
      ->delimiter(',');
  c->add_flag("--ops,!--no_ops", o->ops, "Time each operation too, in one more call (default)");
  c->add_flag("--json", o->json, "Print one JSON object instead of tables");
  c->callback([o, &run] { run = [o] { return run_bench(*o); }; });
}

}  // namespace svd::cli
