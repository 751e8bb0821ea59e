// Several processes that make one video together, seen from one of them.
#pragma once

#include <span>

namespace svd {

// The few operations that a divided run needs. Every rank must call the same ones in the same order. Not thread-safe.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;  // 0 to size() - 1
  virtual int size() const = 0;

  // Every rank ends with the values that `root` had; as many everywhere.
  virtual void broadcast(std::span<float> values, int root) = 0;
  // True everywhere when it is true anywhere.
  virtual bool any(bool here) = 0;
};

class SingleProcess final : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void broadcast(std::span<float>, int) override {}
  bool any(bool here) override { return here; }
};

// One run's agreement on stopping, so that no rank waits for ever for one that failed or was cancelled. A rank calls
// go_on() before it waits for others and at the end of the run, and leave() when the run has thrown.
class Agreement {
 public:
  explicit Agreement(Communicator& communicator) : communicator_(communicator) {}

  Communicator& communicator() const { return communicator_; }
  void go_on();           // throws Error(cancelled) when another rank has left
  void leave() noexcept;  // lets the others know, unless they have left themselves

 private:
  Communicator& communicator_;
  bool ended_ = false;
};

}  // namespace svd
