// What `svd bench` prints.
#pragma once

#include <string>
#include <vector>

#include "bench/benchmark.h"

namespace svd::bench {

// Where the time of `seconds` in all went: by kind of operation, and by kind and shape. `peak_flops` per second.
std::string ops_table(const std::vector<OpTotal>& ops, double seconds, double peak_flops);

// Aligned tables, for people.
std::string to_table(const BenchReport& report);

// One JSON object on one line:
//   peak_tflops       TFLOP/s of all threads, by `peak_instruction`
//   unet, decode, encode, clip, each if it was measured:
//     seconds, runs, tflops (TFLOP/s), percent_of_peak, tflop (of one call), load_seconds, planned_peak_bytes,
//     pool_peak_bytes, anonymous_bytes, and with ops: profiled_seconds and ops, the longest first, each with kind,
//     detail, calls, seconds, tflops, percent_of_peak, gbytes_per_second, gexp_per_second (10^9 exponentials),
//     share (of profiled_seconds)
//   peak_rss_bytes    VmHWM: the largest resident set of the whole process
//   cpu, isa, device, threads, precision, model, height, width, frames, decode_frames, repeat
std::string to_json(const BenchReport& report);

}  // namespace svd::bench
