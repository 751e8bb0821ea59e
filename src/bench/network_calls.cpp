#include "bench/network_calls.h"

#include <memory>
#include <string>

#include "checkpoint/synthetic.h"

namespace svd::bench {
namespace {

// Any values of unit size do; those of the synthetic weights are at hand.
Tensor synthetic_input(Backend& b, std::string_view name, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.numel()));
  synthetic_uniform(name, 0, values);
  return b.upload(shape, values);
}

class FlopSum final : public OpObserver {
 public:
  explicit FlopSum(OpObserver* next) : next_(next) {}
  void before(const OpInfo& op) override {
    if (next_) next_->before(op);
  }
  void after(const OpInfo& op) override {
    flops += op.flops;
    if (next_) next_->after(op);
  }
  double flops = 0;

 private:
  OpObserver* next_;
};

}  // namespace

std::vector<NetworkCall> network_calls(const StableVideoConfig& config, const CallSizes& sizes) {
  std::vector<NetworkCall> calls;
  for_each_part(config, [&]<typename Part>(const Part& part) {
    using Network = typename Part::Network;
    const auto load = [config, sizes](WeightLoader& loader) -> std::function<Tensor()> {
      const auto bound = part_of(std::type_identity<Network>(), config);
      auto network = std::make_shared<const Network>(bound.bind(loader));
      loader.finish(bound.name);
      return [config, sizes, &b = loader.backend(), network = std::move(network)] {
        return call_network(b, *network, config, sizes, synthetic_input);
      };
    };
    calls.push_back({part.call, load});
  });
  return calls;
}

CallPlan plan_call(const NetworkCall& call, const Backend& backend, OpObserver* observer) {
  const auto planner = backend.make_planner();
  FlopSum sum(observer);
  planner->set_observer(&sum);
  WeightLoader loader(nullptr, *planner);
  const auto compute = call.load(loader);
  compute();
  return {sum.flops, planner->memory().peak};
}

}  // namespace svd::bench
