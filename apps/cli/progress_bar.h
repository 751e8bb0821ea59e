// Progress on standard error: a bar that redraws itself on a terminal, plain lines elsewhere. Not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "svd/model.h"

namespace svd::cli {

class ProgressBar {
 public:
  enum class Output { terminal, lines, none };
  static Output detect(bool quiet);

  explicit ProgressBar(Output output) : output_(output) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  // without finish(): erases the unfinished line, so that an error message can take its place

  // Cheap enough to be called often.
  void update(const Progress& progress);
  void update(const std::string& stage, double fraction, int step = 0, int steps = 0);
  void finish();                                                                    // the last stage is done
  double seconds(Phase phase) const { return spent_[static_cast<size_t>(phase)]; }  // so far, in finished stages

 private:
  using Clock = std::chrono::steady_clock;
  void close_stage();
  std::string line(double elapsed) const;
  void draw(double elapsed);

  const Output output_;
  bool started_ = false;
  std::string stage_;  // "loading UNet"
  double fraction_ = 0;
  int step_ = 0, steps_ = 0;
  std::optional<Phase> phase_;  // of the stage
  Clock::time_point begin_{}, drawn_{};
  int drawn_step_ = 0;
  double drawn_fraction_ = 0;
  std::array<double, 4> spent_{};  // seconds per phase
};

}  // namespace svd::cli
