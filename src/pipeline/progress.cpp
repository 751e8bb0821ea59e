#include "pipeline/progress.h"

#include <algorithm>

#include "base/fail.h"

namespace svd {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::loading: return "loading";
    case Phase::encoding: return "encoding";
    case Phase::denoising: return "denoising";
    case Phase::decoding: return "decoding";
  }
  fail(ErrorCode::invalid_argument, "phase: there is none with the number {}", static_cast<int>(phase));
}

double cost_of(const OpInfo& op) { return op.flops + 16 * op.bytes; }

void ProgressReporter::begin(Phase phase, double total, std::string_view part) {
  progress_ = {phase, 0, 0, 0, part};
  done_ = 0;
  total_ = total;
  report();
}

void ProgressReporter::set_step(int step, int steps) {
  progress_.step = step;
  progress_.steps = steps;
  report();
}

void ProgressReporter::loaded(uint64_t bytes) {
  done_ = static_cast<double>(bytes);
  report();
}

void ProgressReporter::before(const OpInfo&) {
  report();
  if (on_operation_) start_ = std::chrono::steady_clock::now();
}

void ProgressReporter::after(const OpInfo& op) {
  done_ += cost_of(op);
  if (!on_operation_) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  on_operation_({op.kind, op.detail, seconds, op.flops, op.bytes, op.exponentials});
}

void ProgressReporter::report() {
  if (!callback_) return;
  progress_.fraction = total_ > 0 ? std::min(1.0, done_ / total_) : 0.0;
  if (!callback_(progress_)) fail(ErrorCode::cancelled, "cancelled while {}", name_of(progress_.phase));
}

}  // namespace svd
