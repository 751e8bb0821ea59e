#include "bench/op_profile.h"

#include <algorithm>

namespace svd::bench {

void OpProfile::before(const OpInfo&) { start_ = Clock::now(); }

void OpProfile::after(const OpInfo& op) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  OpTotal& total = totals_[{std::string(op.kind), op.detail}];
  ++total.calls;
  total.seconds += seconds;
  total.flops += op.flops;
  total.bytes += op.bytes;
}

std::vector<OpTotal> OpProfile::totals() const {
  std::vector<OpTotal> result;
  for (const auto& [key, total] : totals_) {
    result.push_back(total);
    result.back().kind = key.first;
    result.back().detail = key.second;
  }
  std::ranges::stable_sort(result, std::ranges::greater(), &OpTotal::seconds);
  return result;
}

}  // namespace svd::bench
