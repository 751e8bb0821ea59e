// One matrix product by oneDNN, its weights in the layout that oneDNN wants (f32 only).
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "backends/cpu/dnnl_support.h"

namespace svd::cpu {

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
  // W is [out, in] in memory, f32 or bf16.
  Product(Runtime& runtime, const RawWeight& matrix, std::vector<float> bias);

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  const std::vector<float>& bias() const { return bias_; }

  // `bias` is the product's own or one of the same size; `second` is what is multiplied or added.
  void run(Runtime& runtime, int64_t rows, const std::byte* x, const PostOps& post, const std::vector<float>& bias,
           const std::byte* second, std::byte* y);

 private:
  struct Prepared {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };

  dnnl::matmul::primitive_desc describe(Runtime& runtime, int64_t rows, const PostOps& post,
                                        const dnnl::memory::desc* weights, bool with_bias = true) const;
  const Prepared& prepare(Runtime& runtime, int64_t rows, const PostOps& post, bool with_bias);

  const int64_t in_, out_;
  const std::vector<float> bias_;  // [out] or empty
  PackedMatrix weights_;           // [in, out] in oneDNN's layout
  std::map<std::tuple<int64_t, PostOps, bool>, Prepared> prepared_;
};

}  // namespace svd::cpu
