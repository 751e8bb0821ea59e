#include "backends/cpu/dnnl_product.h"

#include <string_view>
#include <utility>

namespace svd::cpu {

using dnnl::matmul;
using dnnl::memory;

Product::Product(Runtime& runtime, const RawWeight& matrix, std::vector<float> bias)
    : in_(matrix.shape[1]), out_(matrix.shape[0]), bias_(std::move(bias)) {
  const memory::desc plain({in_, out_}, dnnl_type(matrix.type), memory::format_tag::ba);
  // The layout does not depend on the number of rows (oneDNN 2.6: only on the number of columns).
  weights_ = pack(runtime, matrix, plain, describe(runtime, 2048, {}, nullptr).weights_desc());
}

void Product::run(Runtime& runtime, int64_t rows, const std::byte* x, const PostOps& post,
                  const std::vector<float>& bias, const std::byte* second, std::byte* y) {
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

matmul::primitive_desc Product::describe(Runtime& runtime, int64_t rows, const PostOps& post,
                                         const memory::desc* weights, bool with_bias) const {
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

const Product::Prepared& Product::prepare(Runtime& runtime, int64_t rows, const PostOps& post, bool with_bias) {
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

}  // namespace svd::cpu
