#include "progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "command.h"

namespace svd::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;  // on a terminal
constexpr double kLineSeconds = 30;     // elsewhere, at least this often
constexpr double kLineFraction = 0.1;   // and each time so much of a phase is done
constexpr double kLinePause = 1;        // but no more often than this
constexpr double kTellTimeLeft = 0.02;  // fraction of the work after which its pace is a guide

double since(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
}

size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

ProgressBar::Output ProgressBar::detect(bool quiet) {
  if (quiet) return Output::none;
  return ::isatty(STDERR_FILENO) ? Output::terminal : Output::lines;
}

ProgressBar::~ProgressBar() {
  if (started_ && output_ == Output::terminal) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::update(const Progress& p) {
  const std::string_view name = name_of(p.phase);
  update(p.part.empty() ? std::string(name) : fmt::format("{} {}", name, p.part), p.fraction, p.step, p.steps);
  phase_ = p.phase;
}

void ProgressBar::update(const std::string& stage, double fraction, int step, int steps) {
  const bool next = !started_ || stage != stage_;
  if (next) {
    if (started_) close_stage();
    started_ = true;
    stage_ = stage;
    begin_ = drawn_ = Clock::now();
    drawn_step_ = 0;
    drawn_fraction_ = 0;
  }
  fraction_ = std::clamp(fraction, 0.0, 1.0);
  step_ = step;
  steps_ = steps;
  if (output_ == Output::none) return;
  const double waited = since(drawn_);
  const bool due = output_ == Output::terminal
                       ? next || waited >= kRedrawSeconds
                       : waited >= kLineSeconds || step != drawn_step_ ||
                             (steps == 0 && waited >= kLinePause && fraction_ >= drawn_fraction_ + kLineFraction);
  if (due) draw(since(begin_));
}

void ProgressBar::close_stage() {
  const double elapsed = since(begin_);
  if (phase_) spent_[static_cast<size_t>(*phase_)] += elapsed;
  phase_.reset();
  if (output_ == Output::none) return;
  if (output_ == Output::terminal) fmt::print(stderr, "\r\033[K");
  fmt::print(stderr, "{}: done in {}\n", stage_, duration(elapsed));
}

std::string ProgressBar::line(double elapsed) const {
  constexpr size_t kWidth = 24;
  const size_t filled = static_cast<size_t>(fraction_ * kWidth);
  std::string text = fmt::format("{} [{}{}] {:3.0f}%", stage_, std::string(filled, '#'),
                                 std::string(kWidth - filled, '.'), 100 * fraction_);
  if (steps_ > 0) text += fmt::format(" step {}/{}", step_, steps_);
  if (fraction_ > 0 && (step_ > 0 || (fraction_ >= kTellTimeLeft && elapsed >= 1))) {
    if (steps_ > 0) text += fmt::format(", {} per step", duration(elapsed / (fraction_ * steps_)));
    text += fmt::format(", {} left", duration(elapsed * (1 - fraction_) / fraction_));
  }
  return text;
}

void ProgressBar::draw(double elapsed) {
  drawn_ = Clock::now();
  drawn_step_ = step_;
  drawn_fraction_ = fraction_;
  if (output_ == Output::terminal) {
    // A line that wraps could not be overwritten.
    fmt::print(stderr, "\r{}\033[K", line(elapsed).substr(0, terminal_width() - 1));
  } else {
    fmt::print(stderr, "{}\n", line(elapsed));
  }
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (started_) close_stage();
  started_ = false;
}

}  // namespace svd::cli
