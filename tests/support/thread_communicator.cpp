#include "support/thread_communicator.h"

#include <algorithm>

namespace svd::test {

void ThreadCommunicator::broadcast(std::span<float> values, int root) {
  if (rank_ == root) group_.source_ = values;
  group_.barrier_.arrive_and_wait();
  if (rank_ != root) std::ranges::copy(group_.source_, values.begin());
  group_.barrier_.arrive_and_wait();  // the root's values stay until all have them
}

bool ThreadCommunicator::any(bool here) {
  group_.flags_[static_cast<size_t>(rank_)] = here;
  group_.barrier_.arrive_and_wait();
  const bool result = std::ranges::any_of(group_.flags_, [](char flag) { return flag != 0; });
  group_.barrier_.arrive_and_wait();
  return result;
}

}  // namespace svd::test
