// Rates and times left, from the library's reports of progress.
#pragma once

#include <chrono>
#include <optional>

#include "live_progress.h"
#include "svd/model.h"

namespace svd::server {

// The library reports thousands of times a minute; clients hear of a few per second, and of every step.
class ProgressClock {
 public:
  // What clients should be told now, if anything. `steps` of the job stand there before the denoising as well.
  std::optional<JobProgress> tick(const Progress& p, int steps) {
    const auto now = Clock::now();
    const bool new_phase = !phase_ || *phase_ != p.phase;
    if (new_phase) begin_ = now;
    const bool news = new_phase || p.step != step_;
    if (!news && now - told_ < std::chrono::milliseconds(250)) return std::nullopt;
    phase_ = p.phase;
    step_ = p.step;
    told_ = now;
    JobProgress progress{.phase = std::string(name_of(p.phase)), .fraction = p.fraction, .steps = steps};
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    if (p.fraction > 0.01 || p.step > 0) progress.seconds_left = seconds / p.fraction * (1 - p.fraction);
    if (p.phase == Phase::decoding) progress.step = steps;
    if (p.phase == Phase::denoising) {
      progress.step = p.step;
      if (p.step > 0 && news) seconds_per_step_ = seconds / p.step;
    }
    progress.seconds_per_step = seconds_per_step_;
    return progress;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<Phase> phase_;
  int step_ = 0;
  Clock::time_point begin_, told_;
  std::optional<double> seconds_per_step_;
};

}  // namespace svd::server
