#include "support/pretend_device.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace svd::test {
namespace {

// No address of a program has this bit.
constexpr uintptr_t kDisguise = uintptr_t{1} << 63;

std::byte* disguised(const std::byte* address) {
  return reinterpret_cast<std::byte*>(reinterpret_cast<uintptr_t>(address) ^ kDisguise);
}

Tensor on_device(Tensor host) {
  const Shape shape = host.shape();
  const DType type = host.type();
  const auto owner = std::make_shared<Tensor>(std::move(host));
  return Tensor(Storage(MemoryKind::device, disguised(owner->raw()), owner->bytes(), owner), shape, type);
}

// The host's view of a tensor, with its owner if there is one.
Tensor on_host(const Tensor& device, Storage::Owner owner = {}) {
  return Tensor(
      Storage(MemoryKind::host, disguised(device.storage().address()), device.storage().bytes(), std::move(owner)),
      device.shape(), device.type());
}

// An optional operand on the host, for as long as this lives.
class HostPointer {
 public:
  explicit HostPointer(const Tensor* device) {
    if (device) tensor_.emplace(on_host(*device));
  }
  const Tensor* get() const { return tensor_ ? &*tensor_ : nullptr; }

 private:
  std::optional<Tensor> tensor_;
};

class HostOperand {
 public:
  explicit HostOperand(Operand device) {
    if (!device) return;
    owns_ = device.owns();
    if (!owns_) {
      tensor_.emplace(on_host(device.get()));
      return;
    }
    const auto owner = std::make_shared<Tensor>(device.take());
    tensor_.emplace(on_host(*owner, owner));
  }
  Operand get() { return !tensor_ ? Operand() : owns_ ? Operand(std::move(*tensor_)) : Operand(*tensor_); }

 private:
  std::optional<Tensor> tensor_;
  bool owns_ = false;
};

class PretendDevice final : public Backend {
 public:
  explicit PretendDevice(std::unique_ptr<Backend> inner) : inner_(std::move(inner)) {}

  std::string describe() const override { return fmt::format("pretend device on {}", inner_->describe()); }
  Numerics numerics() const override { return inner_->numerics(); }
  MemoryKind memory_kind() const override { return MemoryKind::device; }
  std::unique_ptr<Backend> make_planner() const override { return inner_->make_planner(); }
  bool fuses_norms() const override { return inner_->fuses_norms(); }
  MemoryUse memory() const override { return inner_->memory(); }
  uint64_t available_memory() const override { return inner_->available_memory(); }
  void reset_peak() override { inner_->reset_peak(); }
  void trim() override { inner_->trim(); }

 private:
  Tensor do_allocate(const Shape& shape, DType type) override { return on_device(inner_->allocate(shape, type)); }
  void do_upload(std::span<const float> values, Tensor& to) override {
    to = on_device(inner_->upload(to.shape(), values, to.type()));
  }
  void do_download(const Tensor& from, std::span<float> values) override { inner_->download(on_host(from), values); }

  std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight& beta) override {
    return inner_->pack_norm(gamma, beta, 1).packed;
  }
  std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel,
                                                const RawWeight* bias) override {
    return inner_->pack_conv2d(spec, kernel, bias).packed;
  }
  std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias,
                                                       float scale) override {
    return inner_->pack_temporal_conv(kernel, bias, scale).packed;
  }
  std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                std::span<const RawWeight> biases) override {
    return inner_->pack_linear(matrices, biases).packed;
  }
  std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) override {
    return inner_->pack_vector_linear(matrix, bias).packed;
  }
  std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight& w1, const RawWeight& b1, const RawWeight& w2,
                                                      const RawWeight& b2) override {
    return inner_->pack_feed_forward({.channels = w2.shape[0], .epsilon = 1, .packed = {}}, w1, b1, w2, b2).packed;
  }

  Tensor do_to_channels_last(const Tensor& planar) override {
    return on_device(inner_->to_channels_last(on_host(planar)));
  }
  Tensor do_to_planar(const Tensor& x) override { return on_device(inner_->to_planar(on_host(x))); }
  Tensor do_embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) override {
    return on_device(inner_->embed_tokens(on_host(patches), on_host(class_embedding), on_host(positions)));
  }
  Tensor do_first_token(const Tensor& x) override { return on_device(inner_->first_token(on_host(x))); }

  // The options with operands on the host, for one call.
  struct HostNormOptions {
    explicit HostNormOptions(const GroupNormOptions& o) : frame_bias(o.frame_bias), moments(o.moments), options(o) {
      options.frame_bias = frame_bias.get();
      options.moments = moments.get();
    }
    HostPointer frame_bias, moments;
    GroupNormOptions options;
  };
  Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape&, ConvOptions options) override {
    const HostNormOptions norm(options.norm_options);
    HostOperand residual(std::move(options.residual));
    return on_device(inner_->conv2d(on_host(x), w,
                                    {.norm = options.norm, .norm_options = norm.options, .residual = residual.get()}));
  }
  Tensor do_temporal_conv(const Tensor& x, const TemporalConvWeights& w, const Shape&, ConvOptions options) override {
    const HostNormOptions norm(options.norm_options);
    HostOperand residual(std::move(options.residual));
    return on_device(inner_->temporal_conv(
        on_host(x), w, {.norm = options.norm, .norm_options = norm.options, .residual = residual.get()}));
  }

  Tensor do_linear(const Tensor& x, const LinearWeights& w, const Shape&, LinearOptions options) override {
    const HostPointer frame_bias(options.frame_bias);
    HostOperand residual(std::move(options.residual));
    return on_device(inner_->linear(on_host(x), w,
                                    {.layer_norm = options.layer_norm,
                                     .activation = options.activation,
                                     .frame_bias = frame_bias.get(),
                                     .residual = residual.get()}));
  }
  Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w, const VectorLinearOptions& options) override {
    const HostPointer residual(options.residual);
    return on_device(
        inner_->vector_linear(on_host(x), w, {.residual = residual.get(), .activation = options.activation}));
  }
  Tensor do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) override {
    const HostPointer frame_bias(options.frame_bias), other(options.blend.other);
    HostOperand input(std::move(x));
    return on_device(inner_->feed_forward(
        input.get(), w,
        {.frame_bias = frame_bias.get(), .blend = {.other = other.get(), .weight = options.blend.weight}}));
  }
  Tensor do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) override {
    return on_device(inner_->group_norm(on_host(x), w, HostNormOptions(options).options));
  }
  Tensor do_layer_norm(const Tensor& x, const NormWeights& w) override {
    return on_device(inner_->layer_norm(on_host(x), w));
  }
  Tensor do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) override {
    return on_device(inner_->group_norm_moments(on_host(x), HostNormOptions(options).options));
  }
  Tensor do_attention(const Tensor& qkv, const Shape&, int64_t heads) override {
    return on_device(inner_->attention(on_host(qkv), heads));
  }
  Tensor do_temporal_attention(const Tensor& qkv, const Shape&, int64_t heads) override {
    return on_device(inner_->temporal_attention(on_host(qkv), heads));
  }
  Tensor do_concat_channels(const Tensor& a, const Tensor& b, const Shape&) override {
    return on_device(inner_->concat_channels(on_host(a), on_host(b)));
  }
  void do_place_frames(const Tensor& x, int64_t first, Tensor& whole) override {
    Tensor target = on_host(whole);
    inner_->place_frames(on_host(x), first, target);
  }

  std::unique_ptr<Backend> inner_;
};

}  // namespace

std::unique_ptr<Backend> make_pretend_device(std::unique_ptr<Backend> inner) {
  return std::make_unique<PretendDevice>(std::move(inner));
}

}  // namespace svd::test
