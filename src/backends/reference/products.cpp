// Products of rows with matrices.
#include <algorithm>
#include <vector>

#include "backends/reference/backend_class.h"

namespace svd::reference {
namespace {

// Calls store(row, output, W x + b) for every row of x [rows, in] and every output.
template <typename Store>
void multiply(const Threads& threads, const float* x, int64_t rows, const BlockMatrix& m, const Store& store) {
  threads.for_ranges(m.blocks() * rows, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t block = task / rows, row = task % rows;
      BlockMatrix::Sums sums = m.bias(block);
      m.accumulate(block, 0, x + row * m.inputs(), sums);
      for (int64_t j = 0; j < m.block_size(block); ++j) {
        store(row, m.first_output(block) + j, sums[static_cast<size_t>(j)]);
      }
    }
  });
}

}  // namespace

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_linear(std::span<const RawWeight> matrices,
                                                                std::span<const RawWeight> biases) {
  return std::make_unique<PackedProduct>(BlockMatrix(pool(), threads_, matrices, biases));
}

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) {
  return do_pack_linear({&matrix, 1}, {bias, bias ? size_t{1} : size_t{0}});
}

std::unique_ptr<PackedWeights> ReferenceBackend::do_pack_feed_forward(const RawWeight& w1, const RawWeight& b1,
                                                                      const RawWeight& w2, const RawWeight& b2) {
  return std::make_unique<PackedFeedForward>(BlockMatrix(pool(), threads_, {&w1, 1}, {&b1, 1}),
                                             BlockMatrix(pool(), threads_, {&w2, 1}, {&b2, 1}));
}

Tensor ReferenceBackend::do_linear(const Tensor& x, const LinearWeights& w, const Shape& result_shape,
                                   LinearOptions options) {
  const int64_t rows = x.shape().rows();
  const int64_t rows_per_frame = rows / x.shape()[0];
  const float* input = x.data<float>().data();  // [rows, in]
  std::vector<float> normalised;                // [rows, in]
  if (options.layer_norm) {
    normalised.resize(x.data<float>().size());
    normalise_rows(input, rows, *options.layer_norm, normalised.data());
    input = normalised.data();
  }

  Tensor result = new_result(result_shape);  // [..., out]
  float* y = result.data<float>().data();
  const float* residual = residual_of(options.residual);
  multiply(threads_, input, rows, matrix_of(*w.packed), [&](int64_t row, int64_t o, double value) {
    value = activated(options.activation, value);
    if (const float* frame_bias = frame_bias_row(options.frame_bias, row / rows_per_frame)) value += frame_bias[o];
    const int64_t index = row * w.out_features + o;
    if (residual) value += residual[index];
    y[index] = static_cast<float>(value);
  });
  return result;
}

Tensor ReferenceBackend::do_vector_linear(const Tensor& x, const VectorLinearWeights& w,
                                          const VectorLinearOptions& options) {
  const int64_t rows = x.shape()[0];
  Tensor result = allocate({rows, w.out_features}, DType::f32);  // [R, out]
  float* y = result.data<float>().data();
  const float* residual = options.residual ? options.residual->data<float>().data() : nullptr;
  const auto store = [&](int64_t row, int64_t o, double value) {
    const int64_t index = row * w.out_features + o;
    if (residual) value += residual[index];
    y[index] = static_cast<float>(activated(options.activation, value));
  };
  multiply(threads_, x.data<float>().data(), rows, matrix_of(*w.packed), store);
  return result;
}

Tensor ReferenceBackend::do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) {
  // The hidden layer is eight times as wide as x: it exists for this many rows at a time.
  constexpr int64_t kRows = 4096;
  const auto& packed = dynamic_cast<const PackedFeedForward&>(*w.packed);
  const Shape& shape = x.get().shape();
  const int64_t width = w.width, inner = w.inner;
  const int64_t rows = shape.rows();
  const int64_t rows_per_frame = rows / shape[0];
  const float* input = x.get().data<float>().data();
  const float* other = options.blend.other ? options.blend.other->data<float>().data() : nullptr;
  const double weight = options.blend.weight;

  Tensor result = new_result(shape);  // [..., width]
  float* y = result.data<float>().data();
  std::vector<float> z(static_cast<size_t>(kRows * width));           // x + frame bias
  std::vector<float> normalised(z.size());                            // LayerNorm(z)
  std::vector<float> hidden(static_cast<size_t>(kRows * 2 * inner));  // values and gates, [kRows, 2 inner]
  std::vector<float> gated(static_cast<size_t>(kRows * inner));       // value * gelu(gate)
  for (int64_t first = 0; first < rows; first += kRows) {
    const int64_t count = std::min(kRows, rows - first);
    for (int64_t row = 0; row < count; ++row) {
      const float* frame_bias = frame_bias_row(options.frame_bias, (first + row) / rows_per_frame);
      for (int64_t c = 0; c < width; ++c)
        z[row * width + c] = input[(first + row) * width + c] + (frame_bias ? frame_bias[c] : 0);
    }
    normalise_rows(z.data(), count, w.norm, normalised.data());
    multiply(threads_, normalised.data(), count, packed.w1,
             [&](int64_t row, int64_t o, double value) { hidden[row * 2 * inner + o] = static_cast<float>(value); });
    threads_.for_ranges(count, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const float* value = hidden.data() + row * 2 * inner;  // [inner], the gates behind it
        for (int64_t i = 0; i < inner; ++i) {
          gated[row * inner + i] = static_cast<float>(value[i] * activated(Activation::gelu, value[inner + i]));
        }
      }
    });
    multiply(threads_, gated.data(), count, packed.w2, [&](int64_t row, int64_t o, double value) {
      const int64_t index = (first + row) * width + o;
      value += z[row * width + o];
      if (other) value = weight * other[index] + (1 - weight) * value;
      y[index] = static_cast<float>(value);
    });
  }
  return result;
}

}  // namespace svd::reference
