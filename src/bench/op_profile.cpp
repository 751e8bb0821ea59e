#include "bench/op_profile.h"

#include <algorithm>

namespace svd::bench {
namespace {

void sort_longest_first(std::vector<OpTotal>& ops) {
  std::ranges::stable_sort(ops, std::ranges::greater(), &OpTotal::seconds);
}

}  // namespace

void OpTotal::add(const OpTotal& other) {
  calls += other.calls;
  seconds += other.seconds;
  flops += other.flops;
  bytes += other.bytes;
  exponentials += other.exponentials;
}

void OpProfile::before(const OpInfo&) { start_ = Clock::now(); }

void OpProfile::after(const OpInfo& op) {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  add({op.kind, op.detail, seconds, op.flops, op.bytes, op.exponentials});
}

void OpProfile::add(const OperationRecord& r) {
  OpTotal& total = totals_[{std::string(r.kind), std::string(r.detail)}];
  total.add({.kind = {},
             .detail = {},
             .calls = 1,
             .seconds = r.seconds,
             .flops = r.flops,
             .bytes = r.bytes,
             .exponentials = r.exponentials});
}

std::vector<OpTotal> OpProfile::totals() const {
  std::vector<OpTotal> result;
  for (const auto& [key, total] : totals_) {
    result.push_back(total);
    result.back().kind = key.first;
    result.back().detail = key.second;
  }
  sort_longest_first(result);
  return result;
}

std::vector<OpTotal> by_kind(const std::vector<OpTotal>& ops) {
  std::map<std::string, OpTotal> kinds;
  for (const OpTotal& op : ops) kinds[op.kind].add(op);
  std::vector<OpTotal> result;
  for (auto& [kind, total] : kinds) {
    total.kind = kind;
    result.push_back(std::move(total));
  }
  sort_longest_first(result);
  return result;
}

}  // namespace svd::bench
