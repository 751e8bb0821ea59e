// The operations the networks are made of. A backend implements them for one kind of hardware.
//
// Activations are channels-last: [frame, row, column, channel], or the same memory as a token matrix
// [frame, token, channel]; the channel is always the last axis. Their element type is the backend's choice
// (activation_type()). Vectors that steer the network ([rows, channels] with one row or one per frame) are float32.
//
// The public functions check shapes and types once, report the operation to the observer and call the backend.
// Results are new tensors from the backend's pool. A backend runs one operation at a time (not thread-safe); inside
// it uses as many threads as it was given.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/memory.h"
#include "ops/weights.h"
#include "tensor/tensor.h"

namespace svd {

// An input of an operation that the operation may use up: given as an lvalue it is only read, given by std::move its
// memory may become the result's.
class Operand {
 public:
  Operand() = default;
  // Implicit on purpose, so that a call reads b.linear(x, w, {.residual = y}).
  Operand(const Tensor& borrowed) : borrowed_(&borrowed) {}                    // NOLINT(google-explicit-constructor)
  Operand(Tensor&& consumed) : consumed_(std::move(consumed)), owns_(true) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return owns_ || borrowed_; }
  const Tensor& get() const { return owns_ ? consumed_ : *borrowed_; }
  bool owns() const { return owns_; }
  Tensor take() {
    owns_ = false;
    return std::move(consumed_);
  }

 private:
  const Tensor* borrowed_ = nullptr;
  Tensor consumed_;
  bool owns_ = false;
};

enum class Activation { none, silu, gelu };  // gelu: the exact one, 0.5 x (1 + erf(x / sqrt 2))

// result = weight * other + (1 - weight) * result
struct Blend {
  const Tensor* other = nullptr;
  float weight = 0;
};

// A "frame bias" below is a float32 tensor [1, C] or [T, C]: one row for all frames, or a row per frame, added to every
// position of the frame.

struct LinearOptions {
  const NormWeights* layer_norm = nullptr;   // applied to the input first
  Activation activation = Activation::none;  // on W x + b
  const Tensor* frame_bias = nullptr;        // added after the activation
  Operand residual = {};                     // added last
};

struct VectorLinearOptions {
  const Tensor* residual = nullptr;          // added to W x + b
  Activation activation = Activation::none;  // then; none or silu
};

enum class NormSpan { per_frame, all_frames };  // what one set of GroupNorm statistics is taken over

struct GroupNormOptions {
  NormSpan span = NormSpan::per_frame;
  Activation activation = Activation::none;  // on the result; none or silu
  const Tensor* frame_bias = nullptr;        // added to the input before the statistics are taken
};

struct ConvOptions {
  const NormWeights* norm = nullptr;  // GroupNorm of the input first
  GroupNormOptions norm_options = {};
  Operand residual = {};  // added to the result
};

struct FeedForwardOptions {
  const Tensor* frame_bias = nullptr;  // added to the input (and so to the residual path) first
  Blend blend = {};                    // applied to the final sum
};

constexpr int64_t kNormGroups = 32;  // of every GroupNorm in these networks

// One call of one operation, for profiles, plans, progress and cancelling.
struct OpInfo {
  std::string_view kind;    // "conv2d", "linear", ...: a literal
  std::string detail;       // "3x3 [14, 72, 128, 320] -> 320"
  double flops = 0;         // useful ones, one multiply-add = 2; element-wise work is not counted
  double bytes = 0;         // inputs, weights and result, each once, as the backend stores them
  double exponentials = 0;  // of attention's softmax: on matrix units they cost as much as the products
};

class OpObserver {
 public:
  virtual ~OpObserver() = default;
  virtual void before(const OpInfo& op) = 0;  // may throw to stop the computation
  virtual void after(const OpInfo& op) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual std::string describe() const = 0;   // "cpu, bf16, avx512_bf16, 2 threads"
  virtual DType activation_type() const = 0;  // f32 or bf16
  virtual BufferPool& pool() = 0;             // activations and packed weights
  // True when nothing is computed: tensors have no memory and weights need not be read.
  virtual bool plans_only() const { return false; }

  // True when convolutions normalise their input themselves; else it is an operation of its own.
  virtual bool fuses_norms() const { return false; }

  // Not owned; null for none. Replaces the one before.
  void set_observer(OpObserver* observer) { observer_ = observer; }

  // ---- Weights, packed once. A null bias means none.
  Conv2dWeights pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel, const RawWeight* bias);
  // Kernel and bias are multiplied by scale: a blend with a residual is such a factor on the branch.
  TemporalConvWeights pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias, float scale);
  // Matrices [out_i, in] of one input are stacked into [sum out_i, in]; biases are as many, or none.
  LinearWeights pack_linear(std::span<const RawWeight> matrices, std::span<const RawWeight> biases);
  VectorLinearWeights pack_vector_linear(const RawWeight& matrix, const RawWeight* bias);
  FeedForwardWeights pack_feed_forward(NormWeights norm, const RawWeight& w1, const RawWeight& b1, const RawWeight& w2,
                                       const RawWeight& b2);

  // ---- The edges of a network
  // Planar float32 [N, C, H, W] to activations [N, H, W, C], and back.
  Tensor to_channels_last(const Tensor& planar);
  Tensor to_planar(const Tensor& x);
  // Patches [1, g, g, C] behind the class token, positions added: [1, 1 + g*g, C].
  // class_embedding [C] and positions [1 + g*g, C] are float32.
  Tensor embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions);
  Tensor first_token(const Tensor& x);  // [1, N, C] to its first row in float32, [1, C]

  // ---- Convolutions
  Tensor conv2d(const Tensor& x, const Conv2dWeights& w, ConvOptions options = {});               // [T, H', W', out]
  Tensor temporal_conv(const Tensor& x, const TemporalConvWeights& w, ConvOptions options = {});  // [T, H, W, out]

  // ---- Products; x is [..., in]
  Tensor linear(const Tensor& x, const LinearWeights& w, LinearOptions options = {});                     // [..., out]
  Tensor vector_linear(const Tensor& x, const VectorLinearWeights& w, VectorLinearOptions options = {});  // [R, out]
  Tensor feed_forward(Operand x, const FeedForwardWeights& w, FeedForwardOptions options = {});           // as x

  // ---- Normalisation. x: [T, ..., C]
  Tensor group_norm(const Tensor& x, const NormWeights& w, GroupNormOptions options = {});
  Tensor layer_norm(const Tensor& x, const NormWeights& w);

  // ---- Attention, softmax(q k' / sqrt(head width)) v. qkv: [T, ..., 3C], q, k and v each C wide, heads side by side
  Tensor attention(const Tensor& qkv, int64_t heads);           // among the tokens of each frame: [T, ..., C]
  Tensor temporal_attention(const Tensor& qkv, int64_t heads);  // among the frames at each position: [T, ..., C]

  // ---- Rearrangement
  Tensor concat_channels(const Tensor& a, const Tensor& b);  // [..., Ca + Cb]
  // Copies x [n, ...] over entries [first, first + n) of `whole` [T, ...].
  void place_frames(const Tensor& x, int64_t first, Tensor& whole);

 protected:
  Backend() = default;
  Tensor new_activation(const Shape& shape) { return Tensor(pool(), shape, activation_type()); }

 private:
  // What a backend implements. Arguments are checked; kernels come with the weights' sizes already in place.
  virtual std::unique_ptr<PackedWeights> do_pack_conv2d(const Conv2dSpec& spec, const RawWeight& kernel,
                                                        const RawWeight* bias) = 0;
  virtual std::unique_ptr<PackedWeights> do_pack_temporal_conv(const RawWeight& kernel, const RawWeight& bias,
                                                               float scale) = 0;
  virtual std::unique_ptr<PackedWeights> do_pack_linear(std::span<const RawWeight> matrices,
                                                        std::span<const RawWeight> biases) = 0;
  virtual std::unique_ptr<PackedWeights> do_pack_vector_linear(const RawWeight& matrix, const RawWeight* bias) = 0;
  virtual std::unique_ptr<PackedWeights> do_pack_feed_forward(const RawWeight& w1, const RawWeight& b1,
                                                              const RawWeight& w2, const RawWeight& b2) = 0;

  virtual Tensor do_to_channels_last(const Tensor& planar) = 0;
  virtual Tensor do_to_planar(const Tensor& x) = 0;
  virtual Tensor do_embed_tokens(const Tensor& patches, const Tensor& class_embedding, const Tensor& positions) = 0;
  virtual Tensor do_first_token(const Tensor& x) = 0;
  virtual Tensor do_conv2d(const Tensor& x, const Conv2dWeights& w, const Shape& result, ConvOptions options) = 0;
  virtual Tensor do_temporal_conv(const Tensor& x, const TemporalConvWeights& w, const Shape& result,
                                  ConvOptions options) = 0;
  virtual Tensor do_linear(const Tensor& x, const LinearWeights& w, const Shape& result, LinearOptions options) = 0;
  virtual Tensor do_vector_linear(const Tensor& x, const VectorLinearWeights& w,
                                  const VectorLinearOptions& options) = 0;
  virtual Tensor do_feed_forward(Operand x, const FeedForwardWeights& w, const FeedForwardOptions& options) = 0;
  virtual Tensor do_group_norm(const Tensor& x, const NormWeights& w, const GroupNormOptions& options) = 0;
  virtual Tensor do_layer_norm(const Tensor& x, const NormWeights& w) = 0;
  virtual Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) = 0;
  virtual Tensor do_temporal_attention(const Tensor& qkv, const Shape& result, int64_t heads) = 0;
  virtual Tensor do_concat_channels(const Tensor& a, const Tensor& b, const Shape& result) = 0;
  virtual void do_copy(const Tensor& from, Tensor& to) = 0;  // of the same shape and type

  template <typename Work>
  Tensor observed(OpInfo info, const Work& work);

  OpObserver* observer_ = nullptr;
};

}  // namespace svd
