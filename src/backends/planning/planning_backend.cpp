#include "backends/planning/planning_backend.h"

#include <algorithm>

namespace svd {
namespace {

struct PlannedWeights final : PackedWeights {
  Buffer buffer;
};

class PlanningBackend final : public Backend {
 public:
  explicit PlanningBackend(DType activation) : activation_(activation) {}

  std::string describe() const override { return "planning"; }
  DType activation_type() const override { return activation_; }
  BufferPool& pool() override { return pool_; }
  bool plans_only() const override { return true; }
  // The backends that compute in bf16 do.
  bool fuses_norms() const override { return activation_ == DType::bf16; }

 private:
  // The loops around the matrix kernel of the bf16 backends fill up rows and panels; others take what is there.
  int64_t rounded(int64_t n, int64_t unit) const { return fuses_norms() ? (n + unit - 1) / unit * unit : n; }

  // A weight in panels of 64 outputs, inputs in steps of 32.
  int64_t packed(int64_t outputs, int64_t inputs) const { return rounded(outputs, 64) * rounded(inputs, 32); }

  std::unique_ptr<PackedWeights> weights(int64_t elements) {
    auto planned = std::make_unique<PlannedWeights>();
    planned->buffer = pool_.allocate(static_cast<size_t>(elements) * size_of(activation_));
    return planned;
  }

  // What an operation needs beside its operands, held until it ends.
  Buffer scratch(int64_t elements) { return pool_.allocate(static_cast<size_t>(elements) * size_of(activation_)); }

  Tensor result_of(const Shape& shape, Operand& residual) {
    return residual.owns() ? residual.take() : new_activation(shape);
  }

  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& s, const RawWeight&, const RawWeight*) override {
    // Behind a doubling of the picture the kernel becomes four of 2 x 2.
    const int64_t taps = s.upsample && fuses_norms() ? 16 : s.kernel * s.kernel;
    return weights(packed(s.out_channels, s.in_channels) * taps);
  }
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight&, float) override {
    return weights(packed(kernel.shape[0], kernel.shape[1]) * 3);
  }
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                std::span<const RawWeight>) override {
    int64_t outputs = 0;
    for (const RawWeight& m : matrices) outputs += m.shape[0];
    return weights(packed(outputs, matrices[0].shape[1]));
  }
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight*) override {
    return weights(matrix.shape.numel());
  }
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight&, const RawWeight&, const RawWeight& w2,
                                                      const RawWeight&) override {
    const int64_t width = w2.shape[0], inner = w2.shape[1];
    return weights(packed(2 * rounded(inner, 32), width) + packed(width, inner));
  }

  Tensor do_to_channels_last(const Tensor& planar) override {
    const Shape& s = planar.shape();
    return new_activation({s[0], s[2], s[3], s[1]});
  }
  Tensor do_to_planar(const Tensor& x) override {
    const Shape& s = x.shape();
    return Tensor(pool_, {s[0], s[3], s[1], s[2]}, DType::f32);
  }
  Tensor do_embed_tokens(const Tensor&, const Tensor&, const Tensor& positions) override {
    return new_activation({1, positions.shape()[0], positions.shape()[1]});
  }
  Tensor do_first_token(const Tensor& x) override { return Tensor(pool_, {1, x.shape().back()}, DType::f32); }

  Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result, ConvOptions options) override {
    Tensor y = result_of(result, options.residual);
    if (w.spec.upsample && !fuses_norms()) {  // as many enlarged frames as fit 64 MiB, one at least
      const int64_t frame = 4 * x.shape().numel() / x.shape()[0];
      const int64_t fit = (int64_t{64} << 20) / (frame * static_cast<int64_t>(size_of(activation_)));
      scratch(frame * std::clamp<int64_t>(fit, 1, x.shape()[0]));
    }
    return y;
  }
  Tensor do_temporal_conv(const Tensor&, const TemporalConvWeights&, const Shape& result,
                          ConvOptions options) override {
    return result_of(result, options.residual);
  }
  Tensor do_linear(const Tensor&, const LinearWeights&, const Shape& result, LinearOptions options) override {
    return result_of(result, options.residual);
  }
  Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w, const VectorLinearOptions&) override {
    return Tensor(pool_, {x.shape()[0], w.out_features}, DType::f32);
  }
  Tensor do_feed_forward(Operand x, const FeedForwardWeights&, const FeedForwardOptions&) override {
    const Shape shape = x.get().shape();
    return result_of(shape, x);
  }
  Tensor do_group_norm(const Tensor& x, const NormWeights&, const GroupNormOptions&) override {
    return new_activation(x.shape());
  }
  Tensor do_layer_norm(const Tensor& x, const NormWeights&) override { return Tensor(pool_, x.shape(), x.type()); }
  Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) override {
    Tensor y = new_activation(result);
    const int64_t frame_rows = heads * qkv.shape().rows() / qkv.shape()[0], width = result.back() / heads;
    const int64_t padded = rounded(width, 64);
    const Buffer packed = scratch(2 * frame_rows * padded);  // keys and values of one frame
    if (padded != width) scratch(4 * frame_rows * padded);   // the frame's qkv and result in heads of this width
    return y;
  }
  Tensor do_temporal_attention(const Tensor&, const Shape& result, int64_t) override { return new_activation(result); }
  Tensor do_concat_channels(const Tensor&, const Tensor&, const Shape& result) override {
    return new_activation(result);
  }
  void do_copy(const Tensor&, Tensor&) override {}

  const DType activation_;
  BufferPool pool_{BufferPool::Mode::plan};
};

}  // namespace

std::unique_ptr<Backend> make_planning_backend(DType activation) {
  return std::make_unique<PlanningBackend>(activation);
}

}  // namespace svd
