// Several "processes" that are threads of this one: what divides a run is tested without MPI.
#pragma once

#include <barrier>
#include <span>
#include <vector>

#include "pipeline/communicator.h"

namespace svd::test {

// What the threads of one run share. Must outlive their communicators.
class ThreadGroup {
 public:
  explicit ThreadGroup(int size) : size_(size), barrier_(size), flags_(static_cast<size_t>(size)) {}

 private:
  friend class ThreadCommunicator;
  const int size_;
  std::barrier<> barrier_;
  std::vector<char> flags_;  // one per rank
  std::span<float> source_;  // of the root
};

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(ThreadGroup& group, int rank) : group_(group), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return group_.size_; }

  void broadcast(std::span<float> values, int root) override;
  bool any(bool here) override;

 private:
  ThreadGroup& group_;
  const int rank_;
};

}  // namespace svd::test
