#include "backends/cpu/cpu_backend.h"

#include <fmt/format.h>

#include "backends/cpu/attention.h"
#include "backends/cpu/isa.h"
#include "backends/cpu/memory_model.h"
#include "backends/cpu/operations.h"
#include "backends/planning/planning_backend.h"
#include "backends/registry/registry.h"
#include "ops/host_backend.h"

namespace svd {
namespace {

const kernels::Bf16Kernels* bf16_kernels(DType type, Isa isa) {
  static constexpr kernels::Bf16Kernels kPortable{kernels::kWideningMatrix, kernels::kPortableFinish,
                                                  kernels::kPortableAttention};
  static constexpr kernels::Bf16Kernels kAvx512Bf16{kernels::kAvx512Bf16Matrix, kernels::kAvx512Bf16Finish,
                                                    kernels::kAvx512Bf16Attention};
  static constexpr kernels::Bf16Kernels kAmxBf16{kernels::kAmxBf16Matrix, kernels::kAvx512Bf16Finish,
                                                 kernels::kAvx512Bf16Attention};
  if (type != DType::bf16) return nullptr;
  return isa == Isa::amx_bf16 ? &kAmxBf16 : isa == Isa::avx512_bf16 ? &kAvx512Bf16 : &kPortable;
}

// The operations are functions in their own files; this class only hands them the runtime.
class CpuBackend final : public HostBackend {
 public:
  CpuBackend(Threads threads, DType type, Isa isa)
      : isa_(isa), runtime_(threads, {type, type}, pool(), bf16_kernels(type, isa)) {}

  std::string describe() const override {
    return fmt::format("cpu, {}, {}, {} thread{}", name_of(runtime_.numerics.activations), name_of(isa_),
                       runtime_.threads.count(), runtime_.threads.count() == 1 ? "" : "s");
  }
  Numerics numerics() const override { return runtime_.numerics; }
  std::unique_ptr<Backend> make_planner() const override {
    return make_planning_backend(cpu::make_memory_model(numerics(), runtime_.threads),
                                 fuses_norms() ? NormFusion::in_convolutions : NormFusion::separate);
  }
  bool fuses_norms() const override { return runtime_.bf16 != nullptr; }

 private:
  std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight& beta) override {
    return cpu::pack_norm(gamma, beta);
  }
  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel,
                                                const RawWeight* bias) override {
    return cpu::pack_conv2d(runtime_, spec, kernel, bias);
  }
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias,
                                                       float scale) override {
    return cpu::pack_temporal_conv(runtime_, kernel, bias, scale);
  }
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                std::span<const RawWeight> biases) override {
    return cpu::pack_linear(runtime_, matrices, biases);
  }
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) override {
    return cpu::pack_vector_linear(runtime_, matrix, bias);
  }
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight& w1, const RawWeight& b1, const RawWeight& w2,
                                                      const RawWeight& b2) override {
    return cpu::pack_feed_forward(runtime_, w1, b1, w2, b2);
  }

  Tensor do_to_channels_last(const Tensor& planar) override { return cpu::to_channels_last(runtime_, planar); }
  Tensor do_to_planar(const Tensor& x) override { return cpu::to_planar(runtime_, x); }
  Tensor do_embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) override {
    return cpu::embed_tokens(runtime_, patches, class_embedding, positions);
  }
  Tensor do_first_token(const Tensor& x) override { return cpu::first_token(runtime_, x); }
  Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result, ConvOptions options) override {
    return cpu::convolve(runtime_, x, *w.packed, result, std::move(options));
  }
  Tensor do_temporal_conv(const Tensor& x, const TemporalConvWeights& w, const Shape& result,
                          ConvOptions options) override {
    return cpu::convolve(runtime_, x, *w.packed, result, std::move(options));
  }
  Tensor do_linear(const Tensor& x, const LinearWeights& w, const Shape& result, LinearOptions options) override {
    return cpu::linear(runtime_, x, w, result, std::move(options));
  }
  Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w, const VectorLinearOptions& options) override {
    return cpu::vector_linear(runtime_, x, w, options);
  }
  Tensor do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) override {
    return cpu::feed_forward(runtime_, std::move(x), w, options);
  }
  Tensor do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) override {
    return cpu::group_norm(runtime_, x, w, options);
  }
  Tensor do_layer_norm(const Tensor& x, const NormWeights& w) override { return cpu::layer_norm(runtime_, x, w); }
  Tensor do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) override {
    return cpu::group_norm_moments(runtime_, x, options);
  }
  Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) override {
    return cpu::attention(runtime_, attention_cache_, qkv, result, heads);
  }
  Tensor do_temporal_attention(const Tensor& qkv, const Shape& result, int64_t heads) override {
    return cpu::temporal_attention(runtime_, qkv, result, heads);
  }
  Tensor do_concat_channels(const Tensor& a, const Tensor& b, const Shape& result) override {
    return cpu::concat_channels(runtime_, a, b, result);
  }
  void do_place_frames(const Tensor& x, int64_t first, Tensor& whole) override {
    cpu::place_frames(runtime_, x, first, whole);
  }

  const Isa isa_;
  cpu::Runtime runtime_;
  cpu::AttentionCache attention_cache_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  const Isa isa = select_isa();
  const DType type = options.precision == Precision::f32 ? DType::f32 : DType::bf16;
  return std::make_unique<CpuBackend>(options.threads, type, isa);
}

BackendEntry cpu_backend() {
  static constexpr Precision kPrecisions[] = {Precision::bf16, Precision::f32};
  return {
      .device = DeviceKind::cpu,
      .preference = 1,
      .precisions = kPrecisions,
      .why_unavailable = [](int index) { return std::string(index == 0 ? "" : "there is one only, without a number"); },
      .make =
          [](const BackendOptions& o) {
            return make_cpu_backend({o.precision, Threads(o.threads == 0 ? available_cores() : o.threads)});
          }};
}

}  // namespace svd
