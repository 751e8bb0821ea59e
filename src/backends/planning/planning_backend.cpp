#include "backends/planning/planning_backend.h"

#include <utility>

#include "ops/host_backend.h"

namespace svd {
namespace {

struct PlannedWeights final : PackedWeights {
  explicit PlannedWeights(Buffer b) : block(std::move(b)) {}
  Buffer block;
};

class PlanningBackend final : public HostBackend {
 public:
  PlanningBackend(std::shared_ptr<const MemoryModel> memory, NormFusion fusion)
      : HostBackend(BufferPool::Mode::plan), memory_(std::move(memory)), fusion_(fusion) {}

  std::string describe() const override { return "planning"; }
  Numerics numerics() const override { return memory_->numerics(); }
  bool fuses_norms() const override { return fusion_ == NormFusion::in_convolutions; }
  std::unique_ptr<Backend> make_planner() const override { return std::make_unique<PlanningBackend>(memory_, fusion_); }

 private:
  std::unique_ptr<PackedWeights> weights(size_t bytes) {
    return std::make_unique<PlannedWeights>(pool().allocate(bytes));
  }
  // Taken and given back at once: it counts towards the peak.
  void use_workspace(size_t bytes) {
    if (bytes > 0) pool().allocate(bytes);
  }
  Tensor result_of(const Shape& shape, Operand& residual) {
    return residual.owns() ? residual.take() : new_result(shape);
  }

  std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight&) override {
    return weights(memory_->norm_weights(gamma.shape[0]));
  }
  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& spec, const RawWeight&, const RawWeight*) override {
    return weights(memory_->conv2d_weights(spec));
  }
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight&, float) override {
    return weights(memory_->temporal_conv_weights(kernel.shape[1], kernel.shape[0]));
  }
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                std::span<const RawWeight>) override {
    int64_t outputs = 0;
    for (const RawWeight& m : matrices) outputs += m.shape[0];
    return weights(memory_->linear_weights(matrices[0].shape[1], outputs));
  }
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight*) override {
    return weights(memory_->vector_linear_weights(matrix.shape[1], matrix.shape[0]));
  }
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight&, const RawWeight&, const RawWeight& w2,
                                                      const RawWeight&) override {
    return weights(memory_->feed_forward_weights(w2.shape[0], w2.shape[1]));
  }

  Tensor do_to_channels_last(const Tensor& planar) override {
    const Shape& s = planar.shape();
    return new_result({s[0], s[2], s[3], s[1]});
  }
  Tensor do_to_planar(const Tensor& x) override {
    const Shape& s = x.shape();
    return allocate({s[0], s[3], s[1], s[2]}, DType::f32);
  }
  Tensor do_embed_tokens(const Tensor&, const Tensor&, const Tensor& positions) override {
    return new_result({1, positions.shape()[0], positions.shape()[1]});
  }
  Tensor do_first_token(const Tensor& x) override { return allocate({1, x.shape().back()}, DType::f32); }

  Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result, ConvOptions options) override {
    Tensor y = result_of(result, options.residual);
    use_workspace(memory_->conv2d_workspace(x.shape(), w.spec));
    return y;
  }
  Tensor do_temporal_conv(const Tensor& x, const TemporalConvWeights&, const Shape& result,
                          ConvOptions options) override {
    Tensor y = result_of(result, options.residual);
    use_workspace(memory_->temporal_conv_workspace(x.shape()));
    return y;
  }
  Tensor do_linear(const Tensor& x, const LinearWeights& w, const Shape& result, LinearOptions options) override {
    Tensor y = result_of(result, options.residual);
    use_workspace(memory_->linear_workspace(x.shape(), w.out_features, options));
    return y;
  }
  Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w, const VectorLinearOptions&) override {
    return allocate({x.shape()[0], w.out_features}, DType::f32);
  }
  Tensor do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) override {
    const Shape shape = x.get().shape();
    Tensor y = result_of(shape, x);
    use_workspace(memory_->feed_forward_workspace(shape, w.inner, options));
    return y;
  }
  Tensor do_group_norm(const Tensor& x, const NormWeights&, const GroupNormOptions&) override {
    return new_result(x.shape());
  }
  Tensor do_layer_norm(const Tensor& x, const NormWeights&) override { return allocate(x.shape(), x.type()); }
  Tensor do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) override {
    return allocate({options.span == NormSpan::all_frames ? 1 : x.shape()[0], kNormGroups, 2}, DType::f32);
  }
  Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) override {
    Tensor y = new_result(result);
    use_workspace(memory_->attention_workspace(qkv.shape(), heads));
    return y;
  }
  Tensor do_temporal_attention(const Tensor&, const Shape& result, int64_t) override { return new_result(result); }
  Tensor do_concat_channels(const Tensor&, const Tensor&, const Shape& result) override { return new_result(result); }
  void do_place_frames(const Tensor&, int64_t, Tensor&) override {}

  const std::shared_ptr<const MemoryModel> memory_;
  const NormFusion fusion_;
};

}  // namespace

std::unique_ptr<Backend> make_planning_backend(std::unique_ptr<MemoryModel> memory, NormFusion fusion) {
  return std::make_unique<PlanningBackend>(std::move(memory), fusion);
}

std::unique_ptr<Backend> make_counting_backend() {
  return make_planning_backend(std::make_unique<MemoryModel>(Numerics{}), NormFusion::separate);
}

}  // namespace svd
