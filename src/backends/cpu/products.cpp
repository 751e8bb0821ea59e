// Which product runs: the project's own in bfloat16, oneDNN's in float32.
#include <algorithm>
#include <utility>

#include "backends/cpu/dnnl_products.h"
#include "backends/cpu/operations.h"
#include "backends/cpu/panel_products.h"
#include "backends/cpu/plain_weight.h"

namespace svd::cpu {
namespace {

// Matrices [out_i, in] one below the other, in their type if they share one, else in float32.
class Stack {
 public:
  explicit Stack(std::span<const PlainWeight> matrices) {
    const DType first = matrices[0].get().type;
    const bool mixed = std::ranges::any_of(matrices, [&](const PlainWeight& m) { return m.get().type != first; });
    int64_t rows = 0;
    for (const PlainWeight& m : matrices) {
      const RawWeight& w = m.get();
      rows += w.shape[0];
      if (!mixed) {
        bytes_.insert(bytes_.end(), w.data, w.data + static_cast<size_t>(w.shape.numel()) * size_of(w.type));
        continue;
      }
      const std::vector<float> values = to_floats(w);
      const auto wide = std::as_bytes(std::span(values));
      bytes_.insert(bytes_.end(), wide.begin(), wide.end());
    }
    weight_ = {.shape = {rows, matrices[0].get().shape[1]},
               .type = mixed ? DType::f32 : first,
               .data = bytes_.data(),
               .role = matrices[0].get().role};
  }
  const RawWeight& get() const { return weight_; }

 private:
  std::vector<std::byte> bytes_;
  RawWeight weight_;
};

}  // namespace

std::unique_ptr<PackedWeights> pack_linear(Runtime& runtime, std::span<const RawWeight> matrices,
                                           std::span<const RawWeight> biases) {
  std::vector<float> bias;
  for (const RawWeight& b : biases) {
    const std::vector<float> part = to_floats(b);
    bias.insert(bias.end(), part.begin(), part.end());
  }
  const auto packed = [&](const RawWeight& matrix) -> std::unique_ptr<PackedWeights> {
    if (runtime.bf16) return make_panel_linear(runtime, matrix, std::move(bias));
    return make_dnnl_linear(runtime, matrix, std::move(bias));
  };
  std::vector<PlainWeight> plain;
  for (const RawWeight& m : matrices) plain.emplace_back(m);
  return plain.size() == 1 ? packed(plain[0].get()) : packed(Stack(plain).get());
}

std::unique_ptr<PackedWeights> pack_feed_forward(Runtime& runtime, const RawWeight& w1, const RawWeight& b1,
                                                 const RawWeight& w2, const RawWeight& b2) {
  const PlainWeight first(w1), second(w2);
  if (runtime.bf16) return make_panel_feed_forward(runtime, first.get(), b1, second.get(), b2);
  return make_dnnl_feed_forward(runtime, first.get(), b1, second.get(), b2);
}

Tensor linear(Runtime& runtime, const Tensor& x, const LinearWeights& w, const Shape& shape, LinearOptions options) {
  return static_cast<PackedLinear&>(*w.packed).run(runtime, x, shape, std::move(options));
}

Tensor feed_forward(Runtime& runtime, Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) {
  return static_cast<PackedFeedForward&>(*w.packed).run(runtime, std::move(x), w.norm, options);
}

}  // namespace svd::cpu
