#include "base/translate.h"
#include "pipeline/random_state.h"

namespace svd {

Random::Random(uint64_t seed)
    : state_(translated([&] { return std::unique_ptr<State>(new State{TorchCpuGenerator(seed)}); })) {}
Random::Random(Random&&) noexcept = default;
Random& Random::operator=(Random&&) noexcept = default;
Random::~Random() = default;

}  // namespace svd
