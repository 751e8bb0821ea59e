#include "bench/benchmark.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <memory>
#include <utility>

#include "backends/cpu/isa.h"
#include "backends/registry/registry.h"
#include "base/fail.h"
#include "base/process_memory.h"
#include "bench/peak.h"
#include "models/checkpoint_layout.h"

namespace svd::bench {
namespace {

constexpr double kGiB = 0x1p30;
// Beside the planned weights and activations: the process itself (see pipeline/plan.cpp) and the largest weights
// while they are computed and packed.
constexpr uint64_t kOtherBytes = uint64_t{320} << 20;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void expect_range(std::string_view option, int value, int least, int most) {
  if (value >= least && value <= most) return;
  fail(ErrorCode::invalid_argument, "{}: expected a number from {} to {}, found {}", option, least, most, value);
}

BenchOptions checked(BenchOptions o) {
  constexpr int kLargestSide = 4096;
  const auto right = [](int side) { return side >= 64 && side <= kLargestSide && side % 64 == 0; };
  if (!right(o.sizes.width) || !right(o.sizes.height)) {
    fail(ErrorCode::invalid_argument,
         "size: expected HEIGHTxWIDTH in multiples of 64 from 64 to {}, as in 576x1024, found {}x{}", kLargestSide,
         o.sizes.height, o.sizes.width);
  }
  if (o.model != "tiny" && o.model != "full") {
    fail(ErrorCode::invalid_argument, "model: expected tiny or full, found {}", o.model);
  }
  expect_range("frames", o.sizes.frames, 1, 1024);
  expect_range("decode_frames", o.sizes.decode_frames, 1, 1024);
  expect_range("repeat", o.repeat, 1, 1000);
  expect_range("threads", o.threads, 0, 1024);
  if (o.threads == 0) o.threads = available_cores();
  return o;
}

std::string cpu_model_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

bool wanted(const BenchOptions& o, std::string_view call) {
  if (call == "unet") return o.unet;
  if (call == "decode") return o.decode;
  return o.encode;
}

void check_memory(const std::vector<CallReport>& calls, uint64_t available) {
  for (const CallReport& call : calls) {
    const uint64_t needed = call.planned_peak_bytes + kOtherBytes;
    if (needed <= available) continue;
    fail(ErrorCode::out_of_memory,
         "{} needs {:.1f} GiB of memory, {:.1f} GiB are available; what helps: a smaller size, fewer {}, or skip {}",
         call.name, static_cast<double>(needed) / kGiB, static_cast<double>(available) / kGiB,
         call.name == "decode" ? "decode_frames" : "frames", call.name);
  }
}

// Measuring not-a-number would measure something else.
void check_result(std::string_view call, const std::vector<float>& result) {
  const bool finite = std::ranges::all_of(result, [](float v) { return std::isfinite(v); });
  ensure(finite, "bench: {} gave values that are not finite", call);
}

// Asks before each operation whether to stop; costs nothing that could be measured.
class StopObserver final : public OpObserver {
 public:
  StopObserver(const std::function<bool()>& stop, OpObserver* next) : stop_(stop), next_(next) {}
  void before(const OpInfo& op) override {
    if (stop_ && stop_()) fail(ErrorCode::cancelled, "cancelled while measuring");
    if (next_) next_->before(op);
  }
  void after(const OpInfo& op) override {
    if (next_) next_->after(op);
  }
  bool times() const override { return next_ != nullptr; }

 private:
  const std::function<bool()>& stop_;
  OpObserver* next_;
};

// Runs the call once, under `observer` if there is one. Returns its seconds.
double timed_run(Backend& backend, const CallReport& call, const std::function<Tensor()>& compute,
                 const BenchHooks& hooks, OpObserver* observer = nullptr) {
  StopObserver stop(hooks.stop, observer);
  struct Observation {  // ends with the run, however it ends
    Observation(Backend& b, OpObserver& o) : backend(b) { backend.set_observer(&o); }
    ~Observation() { backend.set_observer(nullptr); }
    Backend& backend;
  } observation(backend, stop);
  const auto start = Clock::now();
  const Tensor result = compute();
  backend.finish();
  const double seconds = seconds_since(start);
  check_result(call.name, backend.download(result));
  return seconds;
}

void measure(const NetworkCall& call, const TensorSource& weights, Backend& backend, const BenchOptions& o,
             const BenchHooks& hooks, CallReport& report) {
  const auto note = [&](const std::string& text) {
    if (hooks.note) hooks.note(text);
  };
  backend.trim();
  backend.reset_peak();
  note(fmt::format("{}: making and packing weights", call.name));
  const auto start = Clock::now();
  WeightLoader loader(&weights, backend, [&](uint64_t) {
    if (hooks.stop && hooks.stop()) fail(ErrorCode::cancelled, "cancelled while loading");
  });
  const std::function<Tensor()> compute = call.load(loader);
  report.load_seconds = seconds_since(start);

  // The first call of all also compiles kernels and touches new memory. The profiled call is the last but one, so
  // that a single whole call is not that first one, and of several only one is.
  for (int i = 0; i < o.repeat; ++i) {
    if (o.ops && i == o.repeat - 1) {
      note(fmt::format("{}: timing each operation", call.name));
      OpProfile profile;
      report.profiled_seconds = timed_run(backend, report, compute, hooks, &profile);
      report.ops = profile.totals();
    }
    note(fmt::format("{}: whole call {} of {}", call.name, i + 1, o.repeat));
    report.runs.push_back(timed_run(backend, report, compute, hooks));
  }
  std::vector<double> sorted = report.runs;
  std::ranges::sort(sorted);
  report.seconds = sorted[(sorted.size() - 1) / 2];
  report.pool_peak_bytes = backend.memory().peak;
  report.anonymous_bytes = process_memory().anonymous_bytes;
}

}  // namespace

double BenchReport::percent_of_peak(double flops, double seconds) const {
  return seconds > 0 && peak_flops > 0 ? 100 * flops / seconds / peak_flops : 0;
}

BenchReport run_benchmark(const BenchOptions& options, const BenchHooks& hooks) {
  BenchReport report{.options = checked(options)};
  BenchOptions& o = report.options;
  const std::unique_ptr<Backend> backend = make_backend({o.device, o.precision, o.threads});
  const DType type = backend->numerics().activations;
  o.precision = type == DType::bf16 ? Precision::bf16 : Precision::f32;
  report.cpu = cpu_model_name();
  report.device = backend->describe();
  const Isa isa = select_isa();
  report.isa = name_of(isa);

  const StableVideoConfig config = synthetic_config(o.model, /*temporal_decoder=*/true);
  std::vector<NetworkCall> calls = network_calls(config, o.sizes);
  std::erase_if(calls, [&](const NetworkCall& call) { return !wanted(o, call.name); });
  for (const NetworkCall& call : calls) {
    const CallPlan plan = plan_call(call, *backend);
    report.calls.push_back(
        {.name = std::string(call.name), .flops = plan.flops, .planned_peak_bytes = plan.peak_bytes});
  }
  check_memory(report.calls, backend->available_memory());

  const Threads threads(o.threads);
  const PeakKernel kernel = peak_kernel(isa, type);
  report.peak_instruction = kernel.name;
  // Before and after the networks: what else runs on the machine can only make the peak look lower than it is.
  const auto measure_peak_again = [&] {
    if (hooks.note) hooks.note(fmt::format("peak of {}, {} threads", kernel.name, threads.count()));
    report.peak_flops = std::max(report.peak_flops, measure_peak(kernel, threads, [&] {
                                   if (hooks.stop && hooks.stop()) {
                                     fail(ErrorCode::cancelled, "cancelled while measuring the peak");
                                   }
                                 }));
  };
  measure_peak_again();

  const SyntheticSource weights(checkpoint_layout(config, TextSide::no), DType::bf16, threads);
  for (size_t i = 0; i < calls.size(); ++i) measure(calls[i], weights, *backend, o, hooks, report.calls[i]);
  measure_peak_again();
  report.peak_rss_bytes = process_memory().peak_resident_bytes;
  return report;
}

}  // namespace svd::bench
