// Watching operations as they run.
#pragma once

#include <string>
#include <string_view>

namespace svd {

// One call of one operation, for profiles, plans, progress and cancelling.
struct OpInfo {
  std::string_view kind;    // "conv2d", "linear", ...: a literal
  std::string detail;       // "3x3 [14, 72, 128, 320] -> 320"
  double flops = 0;         // useful ones, one multiply-add = 2; element-wise work is not counted
  double bytes = 0;         // inputs, weights and result, each once, as the backend stores them
  double exponentials = 0;  // of attention's softmax: on matrix units they cost as much as the products
};

class OpObserver {
 public:
  virtual ~OpObserver() = default;
  virtual void before(const OpInfo& op) = 0;  // may throw to stop the computation
  // On a device that queues its work this means queued, unless the observer times what it sees.
  virtual void after(const OpInfo& op) = 0;
  // True: every operation is finished before after() is told, at some cost on a device that queues.
  virtual bool times() const { return false; }
};

}  // namespace svd
