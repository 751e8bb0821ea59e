// Matrix products in float32 by oneDNN, with what surrounds them: LayerNorm before, bias, activation and residual
// after.
#include "backends/cpu/dnnl_products.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/dnnl_product.h"
#include "backends/cpu/kernels/kernels.h"

namespace svd::cpu {
namespace {

// Rows that are worked on together, so that what a chain of operations hands on stays in the caches: row_bytes is what
// a row takes in the scratch buffers. 16 MiB is about what two cores have of a server's last-level cache; below 512
// rows reading the weights again for every chunk would show.
int64_t chunk_rows(int64_t row_bytes, int64_t rows) {
  constexpr int64_t budget = int64_t{16} << 20;
  return std::clamp<int64_t>(budget / row_bytes / 64 * 64, std::min<int64_t>(512, rows), std::max<int64_t>(rows, 1));
}

std::vector<float> sum_of(const std::vector<float>& bias, const Tensor& frame_bias) {
  const std::span<const float> row = frame_bias.data<float>();
  std::vector<float> sum(row.begin(), row.end());
  for (size_t i = 0; i < bias.size(); ++i) sum[i] += bias[i];
  return sum;
}

RawWeight rows_of(const RawWeight& w, int64_t first, int64_t count) {
  const size_t row_bytes = static_cast<size_t>(w.shape.numel() / w.shape[0]) * size_of(w.type);
  const Shape shape = w.shape.rank() == 1 ? Shape{count} : Shape{count, w.shape[1]};
  return {shape, w.type, w.data + static_cast<size_t>(first) * row_bytes};
}

class DnnlLinear final : public PackedLinear {
 public:
  explicit DnnlLinear(Product product) : product_(std::move(product)) {}

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, LinearOptions options) override {
    const int64_t rows = x.shape().rows();
    const size_t in_bytes = static_cast<size_t>(product_.in()) * size_of(x.type());
    const size_t out_bytes = static_cast<size_t>(product_.out()) * size_of(x.type());

    // One frame bias for all frames is a part of the bias, when nothing stands between the two.
    const bool folded_into_bias =
        options.frame_bias && options.frame_bias->shape()[0] == 1 && options.activation == Activation::none;
    const std::vector<float> bias = folded_into_bias ? sum_of(product_.bias(), *options.frame_bias) : product_.bias();
    const Tensor* bias_left = folded_into_bias ? nullptr : options.frame_bias;

    const PostOps post{.activation = options.activation, .residual = residual_kind(options.residual)};
    const std::byte* residual = post.residual == ResidualKind::separate ? options.residual.get().raw() : nullptr;
    Tensor y = result_tensor(runtime, shape, options.residual);

    if (!options.layer_norm) {
      product_.run(runtime, rows, x.raw(), post, bias, residual, y.raw());
    } else {
      const int64_t chunk = chunk_rows(static_cast<int64_t>(in_bytes + out_bytes), rows);
      const Buffer normed = runtime.pool.allocate(static_cast<size_t>(chunk) * in_bytes);  // [chunk, in]
      for (int64_t row = 0; row < rows; row += chunk) {
        const int64_t count = std::min(chunk, rows - row);
        const size_t out_offset = static_cast<size_t>(row) * out_bytes;
        layer_norm_rows(runtime, runtime.numerics.activations, x.raw() + static_cast<size_t>(row) * in_bytes, count,
                        *options.layer_norm, normed.data());
        product_.run(runtime, count, normed.data(), post, bias, residual ? residual + out_offset : nullptr,
                     y.raw() + out_offset);
      }
    }
    if (bias_left) y = add_frame_bias(runtime, std::move(y), *bias_left);
    return y;
  }

 private:
  Product product_;
};

class DnnlFeedForward final : public PackedFeedForward {
 public:
  DnnlFeedForward(Product value, Product gate, Product output)
      : value_(std::move(value)), gate_(std::move(gate)), output_(std::move(output)) {}

  Tensor run(Runtime& runtime, Operand x, const NormWeights& norm, const FeedForwardOptions& options) override {
    Operand input =
        options.frame_bias ? Operand(add_frame_bias(runtime, std::move(x), *options.frame_bias)) : std::move(x);
    const ResidualKind kind = residual_kind(input);
    const Tensor* borrowed = kind == ResidualKind::separate ? &input.get() : nullptr;
    const Shape shape = input.get().shape();
    Tensor y = result_tensor(runtime, shape, input);  // as x
    const std::byte* source = borrowed ? borrowed->raw() : y.raw();

    const int64_t rows = shape.rows();
    const size_t element = size_of(runtime.numerics.activations);
    const size_t width_bytes = static_cast<size_t>(output_.out()) * element,
                 inner_bytes = static_cast<size_t>(output_.in()) * element;
    const int64_t chunk = chunk_rows(static_cast<int64_t>(2 * width_bytes + 2 * inner_bytes), rows);
    const Buffer normed = runtime.pool.allocate(static_cast<size_t>(chunk) * width_bytes);  // [chunk, width]
    const Buffer gate = runtime.pool.allocate(static_cast<size_t>(chunk) * inner_bytes);    // [chunk, inner]
    const Buffer hidden = runtime.pool.allocate(static_cast<size_t>(chunk) * inner_bytes);  // [chunk, inner]
    for (int64_t row = 0; row < rows; row += chunk) {
      const int64_t count = std::min(chunk, rows - row);
      const size_t offset = static_cast<size_t>(row) * width_bytes;
      layer_norm_rows(runtime, runtime.numerics.activations, source + offset, count, norm, normed.data());
      gate_.run(runtime, count, normed.data(), {.activation = Activation::gelu}, gate_.bias(), nullptr, gate.data());
      value_.run(runtime, count, normed.data(), {.multiply = true}, value_.bias(), gate.data(), hidden.data());
      output_.run(runtime, count, hidden.data(), {.residual = kind}, output_.bias(),
                  borrowed ? source + offset : nullptr, y.raw() + offset);
      if (!options.blend.other) continue;
      const float* other = options.blend.other->data<float>().data() + row * output_.out();
      float* result = y.data<float>().data() + row * output_.out();
      runtime.threads.for_ranges(count, [&](int64_t begin, int64_t end) {
        kernels::blend(other + begin * output_.out(), options.blend.weight, (end - begin) * output_.out(),
                       result + begin * output_.out());
      });
    }
    return y;
  }

 private:
  Product value_;   // [inner, width]: the first half of W1
  Product gate_;    // [inner, width]: the second half
  Product output_;  // [width, inner]
};

}  // namespace

std::unique_ptr<PackedLinear> make_dnnl_linear(Runtime& runtime, const RawWeight& matrix, std::vector<float> bias) {
  return std::make_unique<DnnlLinear>(Product(runtime, matrix, std::move(bias)));
}

std::unique_ptr<PackedFeedForward> make_dnnl_feed_forward(Runtime& runtime, const RawWeight& w1, const RawWeight& b1,
                                                          const RawWeight& w2, const RawWeight& b2) {
  const int64_t inner = w2.shape[1];
  const std::vector<float> biases = to_floats(b1);  // [2 inner]
  const auto middle = biases.begin() + inner;
  return std::make_unique<DnnlFeedForward>(Product(runtime, rows_of(w1, 0, inner), {biases.begin(), middle}),
                                           Product(runtime, rows_of(w1, inner, inner), {middle, biases.end()}),
                                           Product(runtime, w2, to_floats(b2)));
}

size_t dnnl_linear_workspace(const Shape& x, int64_t out, bool normed) {
  if (!normed) return 0;
  const int64_t row_bytes = x.back() * static_cast<int64_t>(sizeof(float));
  return static_cast<size_t>(chunk_rows(row_bytes + out * static_cast<int64_t>(sizeof(float)), x.rows()) * row_bytes);
}

size_t dnnl_feed_forward_workspace(const Shape& x, int64_t inner) {
  const int64_t width_bytes = x.back() * static_cast<int64_t>(sizeof(float));
  const int64_t inner_bytes = inner * static_cast<int64_t>(sizeof(float));
  const int64_t chunk = chunk_rows(2 * width_bytes + 2 * inner_bytes, x.rows());
  return static_cast<size_t>(chunk * (width_bytes + 2 * inner_bytes));
}

}  // namespace svd::cpu
