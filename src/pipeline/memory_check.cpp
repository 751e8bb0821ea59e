#include "pipeline/memory_check.h"

#include <string>

#include "base/fail.h"

namespace svd {
namespace {

constexpr double kGiB = 0x1p30;

}  // namespace

void check_memory(const PipelinePlan& plan, const Settings& s, uint64_t available, std::string_view smaller_type) {
  if (plan.peak_bytes <= available) return;
  std::string advice = "a smaller picture or fewer frames (num_frames)";
  if (plan.peak_phase == Phase::decoding && s.decoding_t > 1 && s.num_frames > 1) {
    advice = fmt::format("decoding fewer frames at a time (decoding_t, now {}) or {}", s.decoding_t, advice);
  }
  if (!smaller_type.empty()) advice += fmt::format(", or {}", smaller_type);
  fail(ErrorCode::out_of_memory, "{} needs {:.1f} GiB of memory, {:.1f} GiB are available; what helps: {}",
       name_of(plan.peak_phase), static_cast<double>(plan.peak_bytes) / kGiB, static_cast<double>(available) / kGiB,
       advice);
}

void check_memory_for_loading(uint64_t needed, uint64_t loaded, uint64_t available) {
  if (needed <= available + loaded) return;
  fail(ErrorCode::out_of_memory,
       "the whole model takes {:.1f} GiB of memory, {:.1f} GiB are available; without loading it beforehand, a "
       "request has one part at a time in memory",
       static_cast<double>(needed) / kGiB, static_cast<double>(available) / kGiB);
}

}  // namespace svd
