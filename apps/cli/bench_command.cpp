// svd bench: how fast the networks run on this machine.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"
#include "bench/benchmark.h"
#include "bench/report.h"
#include "command.h"
#include "interrupt.h"

namespace svd::cli {
namespace {

struct BenchCommandOptions {
  std::string size = "576x1024", model = "full", device = "cpu", precision = "auto";
  int frames = 14, decode_frames = 0;  // 0: as frames
  int threads = 0, repeat = 1;
  std::vector<std::string> skip;
  bool json = false, ops = true;
};

const std::map<std::string, Device> kDevices = {{"cpu", DeviceKind::cpu}, {"reference", DeviceKind::reference}};
const std::map<std::string, Precision> kPrecisions = {
    {"auto", Precision::automatic}, {"f32", Precision::f32}, {"bf16", Precision::bf16}};

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
                              .device = kDevices.at(o.device),
                              .precision = kPrecisions.at(o.precision),
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
  c->add_option("--size", o->size, "HEIGHTxWIDTH of the video, multiples of 64")->capture_default_str();
  c->add_option("--frames", o->frames, "Of a UNet call")->check(CLI::Range(1, 1024))->capture_default_str();
  c->add_option("--decode_frames", o->decode_frames, "Decoded at once; default: as frames")->check(CLI::Range(1, 1024));
  c->add_option("--model", o->model, "tiny: small widths; full: the published ones")
      ->check(CLI::IsMember({"tiny", "full"}))
      ->capture_default_str();
  c->add_option("--device", o->device, "reference: plain loops, for checking")
      ->check(CLI::IsMember({"cpu", "reference"}))
      ->capture_default_str();
  c->add_option("--precision", o->precision, "auto (bf16), f32 or bf16")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->capture_default_str();
  c->add_option("--threads", o->threads, "Default: all cores")->check(CLI::Range(1, 1024));
  c->add_option("--repeat", o->repeat, "Whole calls of each network; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  c->add_option("--skip", o->skip, "Leave out; may be given several times (encode: VAE encoder and CLIP)")
      ->check(CLI::IsMember({"unet", "decode", "encode"}))
      ->delimiter(',');
  c->add_flag("--ops,!--no_ops", o->ops, "Time each operation too, in one more call (default)");
  c->add_flag("--json", o->json, "Print one JSON object instead of tables");
  c->callback([o, &run] { run = [o] { return run_bench(*o); }; });
}

}  // namespace svd::cli
