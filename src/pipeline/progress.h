// From operations done to the fraction of a phase, and from the caller's "stop" to an exception.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "ops/backend.h"
#include "svd/model.h"

namespace svd {

// What an operation costs, in units that are only good for comparing: its FLOPs, and its bytes at the rate of 16 FLOPs
// each, which is about what a CPU does in the time memory takes for one.
double cost_of(const OpInfo& op);

// Observes the operations of a backend, phase by phase, and times them for `on_operation` (may be empty). Throws
// Error(cancelled) from within them. Both callbacks are borrowed.
class ProgressReporter final : public OpObserver {
 public:
  using OnOperation = std::function<void(const OperationRecord&)>;
  ProgressReporter(const ProgressCallback& callback, const OnOperation& on_operation)
      : callback_(callback), on_operation_(on_operation) {}

  // Starts a phase whose operations cost `total` in all (for loading: bytes).
  void begin(Phase phase, double total, std::string_view part = {});
  void set_step(int step, int steps);
  void loaded(uint64_t bytes);  // so far, of the part that is loading
  void report();                // where things stand; throws Error(cancelled) when the caller wants no more

  void before(const OpInfo& op) override;
  void after(const OpInfo& op) override;
  bool times() const override { return static_cast<bool>(on_operation_); }

 private:
  const ProgressCallback& callback_;
  const OnOperation& on_operation_;
  std::chrono::steady_clock::time_point start_;  // of the operation
  Progress progress_{};
  double done_ = 0, total_ = 0;
};

}  // namespace svd
