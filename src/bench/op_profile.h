// How long each operation of a network takes, inside the real call.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ops/backend.h"

namespace svd::bench {

// The operations of one kind and shape, added up.
struct OpTotal {
  std::string kind, detail;  // as in OpInfo
  int calls = 0;
  double seconds = 0;
  double flops = 0;
  double bytes = 0;
};

class OpProfile final : public OpObserver {
 public:
  void before(const OpInfo& op) override;
  void after(const OpInfo& op) override;

  std::vector<OpTotal> totals() const;  // the longest first

 private:
  using Clock = std::chrono::steady_clock;
  std::map<std::pair<std::string, std::string>, OpTotal> totals_;
  Clock::time_point start_;
};

}  // namespace svd::bench
