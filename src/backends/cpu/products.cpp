// Matrix products in float32 by oneDNN, with what surrounds them: LayerNorm before, bias, activation and residual
// after.
#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/operations.h"
#include "backends/cpu/panel_products.h"
#include "base/fail.h"

namespace svd::cpu {
namespace {

using dnnl::matmul;
using dnnl::memory;

// What follows x W' + b, in this order.
struct PostOps {
  Activation activation = Activation::none;
  bool multiply = false;  // by a second input
  ResidualKind residual = ResidualKind::none;
  auto operator<=>(const PostOps&) const = default;
};

// y [rows, out] = post(x [rows, in] W' + bias)
class Product {
 public:
  // W is [out, in] in memory.
  Product(Runtime& runtime, const RawWeight& matrix, std::vector<float> bias)
      : in_(matrix.shape[1]), out_(matrix.shape[0]), bias_(std::move(bias)) {
    const memory::desc plain({in_, out_}, dnnl_type(matrix.type), memory::format_tag::ba);
    // The layout does not depend on the number of rows (oneDNN 2.6: only on the number of columns).
    weights_ = pack(runtime, matrix, plain, describe(runtime, 2048, {}, nullptr).weights_desc());
  }

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  const std::vector<float>& bias() const { return bias_; }

  // `bias` is the product's own or one of the same size; `second` is what is multiplied or added.
  void run(Runtime& runtime, int64_t rows, const std::byte* x, const PostOps& post, const std::vector<float>& bias,
           const std::byte* second, std::byte* y) {
    if (rows == 0) return;
    const Prepared& prepared = prepare(runtime, rows, post, !bias.empty());
    std::unordered_map<int, memory> arguments = {
        {DNNL_ARG_SRC, runtime.wrap(prepared.description.src_desc(), x)},
        {DNNL_ARG_WEIGHTS, weights_.memory},
        {DNNL_ARG_DST, runtime.wrap(prepared.description.dst_desc(), y)},
    };
    if (!bias.empty()) arguments[DNNL_ARG_BIAS] = runtime.wrap(prepared.description.bias_desc(), bias.data());
    if (post.multiply || post.residual == ResidualKind::separate) {
      const int position = post.activation == Activation::none ? 0 : 1;
      arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(position) | DNNL_ARG_SRC_1] =
          runtime.wrap(prepared.description.dst_desc(), second);
    }
    runtime.run(prepared.primitive, arguments);
  }

 private:
  struct Prepared {
    matmul::primitive_desc description;
    matmul primitive;
  };

  matmul::primitive_desc describe(Runtime& runtime, int64_t rows, const PostOps& post, const memory::desc* weights,
                                  bool with_bias = true) const {
    const memory::desc x({rows, in_}, kActivation, memory::format_tag::ab);
    const memory::desc y({rows, out_}, kActivation, memory::format_tag::ab);
    const memory::desc any({in_, out_}, kActivation, memory::format_tag::any);
    const memory::desc bias =
        with_bias ? memory::desc({1, out_}, memory::data_type::f32, memory::format_tag::ab) : memory::desc();
    dnnl::post_ops ops;
    if (post.activation == Activation::silu) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_swish, 1.0f, 0.0f);
    if (post.activation == Activation::gelu) ops.append_eltwise(1.0f, dnnl::algorithm::eltwise_gelu_erf, 0.0f, 0.0f);
    if (post.multiply) ops.append_binary(dnnl::algorithm::binary_mul, y);
    if (post.residual == ResidualKind::in_place) ops.append_sum();
    if (post.residual == ResidualKind::separate) ops.append_binary(dnnl::algorithm::binary_add, y);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    const ThreadLimit limit(runtime.threads.count());
    return {{x, weights ? *weights : any, bias, y}, attributes, runtime.engine};
  }

  const Prepared& prepare(Runtime& runtime, int64_t rows, const PostOps& post, bool with_bias) {
    const auto key = std::tuple(rows, post, with_bias);
    if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
    auto layout = weights_.memory.get_desc();
    auto description = describe(runtime, rows, post, &layout, with_bias);
    if (std::string_view(description.impl_info_str()).starts_with("ref")) {  // only plain loops take this layout here
      layout = describe(runtime, rows, post, nullptr, with_bias).weights_desc();
      if (layout != weights_.memory.get_desc()) {
        weights_ = repack(runtime, weights_, layout);
        prepared_.clear();
      }
      description = describe(runtime, rows, post, &layout, with_bias);
    }
    const ThreadLimit limit(runtime.threads.count());
    return prepared_.emplace(key, Prepared{description, matmul(description)}).first->second;
  }

  const int64_t in_, out_;
  const std::vector<float> bias_;  // [out] or empty
  PackedMatrix weights_;           // [in, out] in oneDNN's layout
  std::map<std::tuple<int64_t, PostOps, bool>, Prepared> prepared_;
};

struct PackedVectorLinear final : PackedWeights {
  Tensor matrix;            // [out, in], in the type of activations
  std::vector<float> bias;  // [out] or empty
};

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
    Tensor y = options.residual.owns() ? options.residual.take() : Tensor(runtime.pool, shape, runtime.activation);

    if (!options.layer_norm) {
      product_.run(runtime, rows, x.raw(), post, bias, residual, y.raw());
    } else {
      const int64_t chunk = chunk_rows(static_cast<int64_t>(in_bytes + out_bytes), rows);
      const Buffer normed = runtime.pool.allocate(static_cast<size_t>(chunk) * in_bytes);  // [chunk, in]
      for (int64_t row = 0; row < rows; row += chunk) {
        const int64_t count = std::min(chunk, rows - row);
        const size_t out_offset = static_cast<size_t>(row) * out_bytes;
        layer_norm_rows(runtime, runtime.activation, x.raw() + static_cast<size_t>(row) * in_bytes, count,
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
    Tensor y = input.owns() ? input.take() : Tensor(runtime.pool, shape, runtime.activation);  // as x
    const std::byte* source = borrowed ? borrowed->raw() : y.raw();

    const int64_t rows = shape.rows();
    const size_t element = size_of(runtime.activation);
    const size_t width_bytes = static_cast<size_t>(output_.out()) * element,
                 inner_bytes = static_cast<size_t>(output_.in()) * element;
    const int64_t chunk = chunk_rows(static_cast<int64_t>(2 * width_bytes + 2 * inner_bytes), rows);
    const Buffer normed = runtime.pool.allocate(static_cast<size_t>(chunk) * width_bytes);  // [chunk, width]
    const Buffer gate = runtime.pool.allocate(static_cast<size_t>(chunk) * inner_bytes);    // [chunk, inner]
    const Buffer hidden = runtime.pool.allocate(static_cast<size_t>(chunk) * inner_bytes);  // [chunk, inner]
    for (int64_t row = 0; row < rows; row += chunk) {
      const int64_t count = std::min(chunk, rows - row);
      const size_t offset = static_cast<size_t>(row) * width_bytes;
      layer_norm_rows(runtime, runtime.activation, source + offset, count, norm, normed.data());
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

std::unique_ptr<PackedWeights> pack_linear(Runtime& runtime, std::span<const RawWeight> matrices,
                                           std::span<const RawWeight> biases) {
  std::vector<float> bias;
  for (const RawWeight& b : biases) {
    const std::vector<float> part = widened(&b);
    bias.insert(bias.end(), part.begin(), part.end());
  }
  const auto packed = [&](const RawWeight& matrix) -> std::unique_ptr<PackedWeights> {
    if (runtime.bf16) return make_panel_linear(runtime, matrix, std::move(bias));
    return std::make_unique<DnnlLinear>(Product(runtime, matrix, std::move(bias)));
  };
  if (matrices.size() == 1) return packed(matrices[0]);
  std::vector<std::byte> stacked;  // rows of all matrices
  int64_t rows = 0;
  for (const RawWeight& m : matrices) {
    ensure(m.type == matrices[0].type, "linear: stacked matrices of different types");
    stacked.insert(stacked.end(), m.data, m.data + static_cast<size_t>(m.shape.numel()) * size_of(m.type));
    rows += m.shape[0];
  }
  const RawWeight all{Shape{rows, matrices[0].shape[1]}, matrices[0].type, stacked.data()};
  return packed(all);
}

std::unique_ptr<PackedWeights> pack_vector_linear(Runtime& runtime, const RawWeight& matrix, const RawWeight* bias) {
  auto packed = std::make_unique<PackedVectorLinear>();
  packed->matrix = Tensor(runtime.pool, matrix.shape, runtime.activation);
  packed->bias = widened(bias);
  const int64_t n = matrix.shape.numel();
  if (matrix.type == runtime.activation) {
    std::copy_n(matrix.data, packed->matrix.bytes(), packed->matrix.raw());
  } else if (matrix.type == DType::bf16) {
    kernels::to_f32(reinterpret_cast<const bf16*>(matrix.data), n, packed->matrix.data<float>().data());
  } else {
    kernels::from_f32(reinterpret_cast<const float*>(matrix.data), n, packed->matrix.data<bf16>().data());
  }
  return packed;
}

std::unique_ptr<PackedWeights> pack_feed_forward(Runtime& runtime, const RawWeight& w1, const RawWeight& b1,
                                                 const RawWeight& w2, const RawWeight& b2) {
  if (runtime.bf16) return make_panel_feed_forward(runtime, w1, b1, w2, b2);
  const int64_t inner = w2.shape[1];
  const RawWeight value_bias = rows_of(b1, 0, inner), gate_bias = rows_of(b1, inner, inner);
  return std::make_unique<DnnlFeedForward>(Product(runtime, rows_of(w1, 0, inner), widened(&value_bias)),
                                           Product(runtime, rows_of(w1, inner, inner), widened(&gate_bias)),
                                           Product(runtime, w2, widened(&b2)));
}

Tensor vector_linear(Runtime& runtime, const Tensor& x, const VectorLinearWeights& w,
                     const VectorLinearOptions& options) {
  const auto& packed = static_cast<const PackedVectorLinear&>(*w.packed);
  const int64_t rows = x.shape()[0], in = w.in_features, out = w.out_features;
  Tensor y(runtime.pool, {rows, out}, DType::f32);  // [rows, out]
  const float* residual = options.residual ? options.residual->data<float>().data() : nullptr;
  with_element_type(runtime.activation, [&]<typename T>(T*) {
    const T* matrix = packed.matrix.data<T>().data();
    runtime.threads.for_ranges(out, [&](int64_t begin, int64_t end) {
      for (int64_t row = 0; row < rows; ++row) {
        float* result = y.data<float>().data() + row * out;
        kernels::matvec(matrix + begin * in, x.data<float>().data() + row * in, end - begin, in, result + begin);
        for (int64_t o = begin; o < end; ++o) {
          float v = result[o];
          if (!packed.bias.empty()) v += packed.bias[static_cast<size_t>(o)];
          if (residual) v += residual[row * out + o];
          result[o] = options.activation == Activation::silu ? v / (1.0f + std::exp(-v)) : v;
        }
      }
    });
  });
  return y;
}

Tensor linear(Runtime& runtime, const Tensor& x, const LinearWeights& w, const Shape& shape, LinearOptions options) {
  return static_cast<PackedLinear&>(*w.packed).run(runtime, x, shape, std::move(options));
}

Tensor feed_forward(Runtime& runtime, Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) {
  return static_cast<PackedFeedForward&>(*w.packed).run(runtime, std::move(x), w.norm, options);
}

}  // namespace svd::cpu
