// How long each operation of a network takes, inside the real call.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ops/backend.h"
#include "svd/model.h"

namespace svd::bench {

// The operations of one kind and shape, added up.
struct OpTotal {
  std::string kind, detail;  // as in OpInfo
  int calls = 0;
  double seconds = 0;
  double flops = 0;
  double bytes = 0;
  double exponentials = 0;

  void add(const OpTotal& other);
};

class OpProfile final : public OpObserver {
 public:
  void before(const OpInfo& op) override;
  void after(const OpInfo& op) override;
  void add(const OperationRecord& record);

  std::vector<OpTotal> totals() const;  // the longest first

 private:
  using Clock = std::chrono::steady_clock;
  std::map<std::pair<std::string, std::string>, OpTotal> totals_;
  Clock::time_point start_;
};

// The same by kind only, the longest first.
std::vector<OpTotal> by_kind(const std::vector<OpTotal>& ops);

}  // namespace svd::bench
