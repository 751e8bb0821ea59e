// `svd bench`: how fast the networks run on this machine, and how much of its peak that is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/network_calls.h"
#include "bench/op_profile.h"
#include "svd/options.h"

namespace svd::bench {

struct BenchOptions {
  std::string model = "full";  // or "tiny": of synthetic_config()
  CallSizes sizes = {};
  Device device = {};
  Precision precision = Precision::automatic;
  int threads = 0;  // 0: all cores this process may use
  int repeat = 1;   // whole calls of each network; the median counts
  bool ops = true;  // time each operation too, in a call of its own
  bool encode = true, unet = true, decode = true;
};

// One network. Its useful operations are counted from the model's definition, 2 per multiply-add.
struct CallReport {
  std::string name = {};            // "clip", "encode", "unet", "decode"
  double flops = 0;                 // of one call
  double load_seconds = 0;          // computing the synthetic weights included
  std::vector<double> runs = {};    // seconds of each whole call, as they came, without the observer of operations
  double seconds = 0;               // their median; of an even number the smaller of the middle two
  uint64_t planned_peak_bytes = 0;  // weights and activations, by the backend's planner
  uint64_t pool_peak_bytes = 0;     // the same as it came
  uint64_t anonymous_bytes = 0;     // RssAnon after the last call, while the pool still holds its memory
  double profiled_seconds = 0;      // the call in which `ops` were timed
  std::vector<OpTotal> ops = {};    // the longest first
};

struct BenchReport {
  BenchOptions options = {};  // as used: precision and threads resolved
  std::string cpu = {};       // the model's name
  std::string isa = {};       // in force
  std::string device = {};    // the backend's description
  std::string peak_instruction = {};
  double peak_flops = 0;  // per second, of all threads: the better of before and after the networks
  std::vector<CallReport> calls = {};
  uint64_t peak_rss_bytes = 0;  // VmHWM: the largest resident set of the whole process, libraries included

  double percent_of_peak(double flops, double seconds) const;
};

// Where the measurement is: told before each stage; may throw to stop between them. `stop`, if given, is asked before
// every operation of a network, also in the calls that are timed as a whole; true ends with Error(cancelled).
struct BenchHooks {
  std::function<void(std::string_view note)> note = {};
  std::function<bool()> stop = {};
};

// Measures with synthetic weights made in memory, one network after the other. Throws Error: invalid_argument for
// options that make no sense, out_of_memory before starting when the plan exceeds what is free, unsupported.
BenchReport run_benchmark(const BenchOptions& options, const BenchHooks& hooks = {});

}  // namespace svd::bench
