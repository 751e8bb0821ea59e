#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace svd::bench {
namespace {

constexpr double kTera = 1e12, kGiga = 1e9, kGiB = 0x1p30;

double per_second(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

double gib(uint64_t bytes) { return static_cast<double>(bytes) / kGiB; }

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

void append_calls(const BenchReport& r, std::string& text) {
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<8} {:>10} {:>10} {:>10} {:>7} {:>10} {:>12} {:>12} {:>12}\n", "network", "TFLOP", "seconds",
                 "TFLOP/s", "% peak", "load s", "planned GiB", "pool GiB", "RssAnon GiB");
  for (const CallReport& c : r.calls) {
    fmt::format_to(out, "{:<8} {:>10.3f} {:>10.3f} {:>10.4f} {:>7.1f} {:>10.1f} {:>12.2f} {:>12.2f} {:>12.2f}\n",
                   c.name, c.flops / kTera, c.seconds, per_second(c.flops, c.seconds) / kTera,
                   r.percent_of_peak(c.flops, c.seconds), c.load_seconds, gib(c.planned_peak_bytes),
                   gib(c.pool_peak_bytes), gib(c.anonymous_bytes));
  }
}

// A speed in its column, or a dash where there is nothing to be fast at.
void append_speed(double amount, double seconds, double unit, int width, int digits, std::string& text) {
  auto out = std::back_inserter(text);
  if (amount > 0) {
    fmt::format_to(out, " {:>{}.{}f}", per_second(amount, seconds) / unit, width, digits);
  } else {
    fmt::format_to(out, " {:>{}}", "-", width);
  }
}

void append_ops(const std::vector<OpTotal>& ops, double seconds, double peak_flops, std::string& text) {
  size_t kind_width = 4, detail_width = 6;
  for (const OpTotal& op : ops) {
    kind_width = std::max(kind_width, op.kind.size());
    detail_width = std::max(detail_width, op.detail.size());
  }
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:<{}}  {:<{}} {:>6} {:>10} {:>7} {:>9} {:>7} {:>8} {:>7}\n", "kind", kind_width, "detail",
                 detail_width, "calls", "seconds", "share", "TFLOP/s", "% peak", "GB/s", "Gexp/s");
  for (const OpTotal& op : ops) {
    fmt::format_to(out, "{:<{}}  {:<{}} {:>6} {:>10.4f} {:>6.1f}%", op.kind, kind_width, op.detail, detail_width,
                   op.calls, op.seconds, percent(op.seconds, seconds));
    append_speed(op.flops, op.seconds, kTera, 9, 4, text);
    append_speed(op.flops, op.seconds, peak_flops / 100, 7, 1, text);
    append_speed(op.bytes, op.seconds, kGiga, 8, 1, text);
    append_speed(op.exponentials, op.seconds, kGiga, 7, 2, text);
    text += '\n';
  }
}

nlohmann::ordered_json json_of(const BenchReport& r, const CallReport& c) {
  nlohmann::ordered_json json = {{"seconds", c.seconds},
                                 {"tflops", per_second(c.flops, c.seconds) / kTera},
                                 {"percent_of_peak", r.percent_of_peak(c.flops, c.seconds)},
                                 {"tflop", c.flops / kTera},
                                 {"runs", c.runs},
                                 {"load_seconds", c.load_seconds},
                                 {"planned_peak_bytes", c.planned_peak_bytes},
                                 {"pool_peak_bytes", c.pool_peak_bytes},
                                 {"anonymous_bytes", c.anonymous_bytes}};
  if (c.ops.empty()) return json;
  json["profiled_seconds"] = c.profiled_seconds;
  json["ops"] = nlohmann::ordered_json::array();
  for (const OpTotal& op : c.ops) {
    json["ops"].push_back({{"kind", op.kind},
                           {"detail", op.detail},
                           {"calls", op.calls},
                           {"seconds", op.seconds},
                           {"tflops", per_second(op.flops, op.seconds) / kTera},
                           {"percent_of_peak", r.percent_of_peak(op.flops, op.seconds)},
                           {"gbytes_per_second", per_second(op.bytes, op.seconds) / kGiga},
                           {"gexp_per_second", per_second(op.exponentials, op.seconds) / kGiga},
                           {"share", percent(op.seconds, c.profiled_seconds) / 100}});
  }
  return json;
}

}  // namespace

std::string ops_table(const std::vector<OpTotal>& ops, double seconds, double peak_flops) {
  double in_ops = 0;
  for (const OpTotal& op : ops) in_ops += op.seconds;
  std::string text = fmt::format("in {:.3f} s ({:.1f}% in operations)\n", seconds, percent(in_ops, seconds));
  append_ops(by_kind(ops), seconds, peak_flops, text);
  text += '\n';
  append_ops(ops, seconds, peak_flops, text);
  return text;
}

std::string to_table(const BenchReport& r) {
  const BenchOptions& o = r.options;
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "machine  {}; {}\n", r.cpu, r.device);
  fmt::format_to(out, "peak     {:.3f} TFLOP/s, {}, {} thread{}\n", r.peak_flops / kTera, r.peak_instruction, o.threads,
                 o.threads == 1 ? "" : "s");
  fmt::format_to(out, "model    {}, {}x{}, {} frames, {} decoded at once; median of {} call{}\n", o.model,
                 o.sizes.height, o.sizes.width, o.sizes.frames, o.sizes.decode_frames, o.repeat,
                 o.repeat == 1 ? "" : "s");
  fmt::format_to(out, "memory   {:.2f} GiB resident at most (VmHWM)\n\n", gib(r.peak_rss_bytes));
  append_calls(r, text);
  for (const CallReport& c : r.calls) {
    if (c.ops.empty()) continue;
    fmt::format_to(out, "\n{}: each operation, ", c.name);
    text += ops_table(c.ops, c.profiled_seconds, r.peak_flops);
  }
  return text;
}

std::string to_json(const BenchReport& r) {
  const BenchOptions& o = r.options;
  nlohmann::ordered_json json = {{"peak_tflops", r.peak_flops / kTera},
                                 {"peak_instruction", r.peak_instruction},
                                 {"cpu", r.cpu},
                                 {"isa", r.isa},
                                 {"device", r.device},
                                 {"threads", o.threads},
                                 {"precision", name_of(o.precision)},
                                 {"model", o.model},
                                 {"height", o.sizes.height},
                                 {"width", o.sizes.width},
                                 {"frames", o.sizes.frames},
                                 {"decode_frames", o.sizes.decode_frames},
                                 {"repeat", o.repeat},
                                 {"peak_rss_bytes", r.peak_rss_bytes}};
  for (const CallReport& c : r.calls) json[c.name] = json_of(r, c);
  // Shapes and CPU names are ASCII; anything else is replaced rather than thrown over.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace svd::bench
