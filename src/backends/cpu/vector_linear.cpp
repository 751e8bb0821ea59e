// Products of a few float32 rows with a matrix: the rows are never rounded, the matrix is as the other weights are.
#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/operations.h"
#include "backends/cpu/plain_weight.h"

namespace svd::cpu {
namespace {

struct PackedVectorLinear final : PackedWeights {
  Tensor matrix;            // [out, in], in the type of packed weights
  std::vector<float> bias;  // [out] or empty
};

}  // namespace

std::unique_ptr<PackedWeights> pack_vector_linear(Runtime& runtime, const RawWeight& matrix, const RawWeight* bias) {
  auto packed = std::make_unique<PackedVectorLinear>();
  packed->matrix = Tensor(runtime.pool, matrix.shape, runtime.numerics.weights);
  packed->bias = bias_values(bias);
  const int64_t n = matrix.shape.numel();
  const PlainWeight plain(matrix);
  const RawWeight& w = plain.get();
  if (w.type == packed->matrix.type()) {
    std::copy_n(w.data, packed->matrix.bytes(), packed->matrix.raw());
  } else if (w.type == DType::bf16) {
    kernels::to_f32(reinterpret_cast<const bf16*>(w.data), n, packed->matrix.data<float>().data());
  } else {
    kernels::from_f32(reinterpret_cast<const float*>(w.data), n, packed->matrix.data<bf16>().data());
  }
  return packed;
}

Tensor vector_linear(Runtime& runtime, const Tensor& x, const VectorLinearWeights& w,
                     const VectorLinearOptions& options) {
  const auto& packed = static_cast<const PackedVectorLinear&>(*w.packed);
  const int64_t rows = x.shape()[0], in = w.in_features, out = w.out_features;
  Tensor y(runtime.pool, {rows, out}, DType::f32);  // [rows, out]
  const float* residual = options.residual ? options.residual->data<float>().data() : nullptr;
  with_element_type(runtime.numerics.weights, [&]<typename T>(T*) {
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

}  // namespace svd::cpu
