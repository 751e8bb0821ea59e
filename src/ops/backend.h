// The operations the networks are made of. A backend implements them for one kind of hardware.
//
// Activations are channels-last: [frame, row, column, channel], or the same memory as a token matrix
// [frame, token, channel]; the channel is always the last axis. Their element type is the backend's choice
// (numerics()). Vectors that steer the network ([rows, channels] with one row or one per frame) are float32.
//
// The public functions check shapes and types once, report the operation to the observer and call the backend.
// Results are new tensors in the backend's memory: the host's, or a device's, which only the backend can reach. A
// backend runs one operation at a time (not thread-safe); inside it uses as many threads as it was given. Tensors and
// packed weights must not outlive their backend.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/numerics.h"
#include "ops/observer.h"
#include "ops/options.h"
#include "ops/weights.h"
#include "tensor/tensor.h"

namespace svd {

// What a backend's tensors and packed weights take now, in bytes.
struct MemoryUse {
  uint64_t live = 0;  // in use
  uint64_t held = 0;  // in use or kept for reuse
  uint64_t peak = 0;  // the most that was held since construction or reset_peak()
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual std::string describe() const = 0;  // "cpu, bf16, avx512_bf16, 2 threads"
  virtual Numerics numerics() const = 0;
  virtual MemoryKind memory_kind() const = 0;  // of all its tensors
  // Nothing is computed: tensors have no memory, and weights need no values.
  bool plans_only() const { return memory_kind() == MemoryKind::planned; }

  // A backend that computes nothing and counts the operations and the memory that this one takes for the same calls:
  // packed weights, results, workspace. Independent of this backend's life.
  virtual std::unique_ptr<Backend> make_planner() const = 0;

  // True when convolutions normalise their input themselves; else it is an operation of its own.
  virtual bool fuses_norms() const { return false; }

  // ---- Memory
  Tensor allocate(const Shape& shape, DType type);  // contents undefined; throws Error(out_of_memory)
  // Values, as many as the shape has, to this backend's memory and back; another type than float32 is rounded to and
  // widened from. download() waits for what it reads.
  Tensor upload(const Shape& shape, std::span<const float> values, DType type = DType::f32);
  void download(const Tensor& x, std::span<float> values);
  std::vector<float> download(const Tensor& x);
  virtual void finish() {}  // returns when all operations so far have finished; throws what went wrong in them
  virtual MemoryUse memory() const = 0;
  virtual uint64_t available_memory() const = 0;  // what new allocations may expect to get, in bytes
  virtual void reset_peak() = 0;
  virtual void trim() = 0;  // gives memory kept for reuse back to the system

  // Not owned; null for none. Replaces the one before.
  void set_observer(OpObserver* observer) { observer_ = observer; }

  // ---- Weights, packed once. A null bias means none.
  NormWeights pack_norm(const RawWeight& gamma, const RawWeight& beta, float epsilon);
  Tensor pack_table(const RawWeight& values);  // the values as they are, in float32
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
  // What `moments` of the options wants, of these frames: [T, kNormGroups, 2], or [1, kNormGroups, 2] over all frames.
  Tensor group_norm_moments(const Tensor& x, GroupNormOptions options = {});

  // ---- Attention, softmax(q k' / sqrt(head width)) v. qkv: [T, ..., 3C], q, k and v each C wide, heads side by side
  Tensor attention(const Tensor& qkv, int64_t heads);           // among the tokens of each frame: [T, ..., C]
  Tensor temporal_attention(const Tensor& qkv, int64_t heads);  // among the frames at each position: [T, ..., C]

  // ---- Rearrangement
  Tensor concat_channels(const Tensor& a, const Tensor& b);  // [..., Ca + Cb]
  // Copies x [n, ...] over entries [first, first + n) of `whole` [T, ...].
  void place_frames(const Tensor& x, int64_t first, Tensor& whole);

 protected:
  Backend() = default;
  Tensor new_result(const Shape& shape) { return do_allocate(shape, numerics().activations); }

 private:
  // What a backend implements. Arguments are checked; kernels come with the weights' sizes already in place.
  virtual Tensor do_allocate(const Shape& shape, DType type) = 0;
  virtual void do_upload(std::span<const float> values, Tensor& to) = 0;
  virtual void do_download(const Tensor& from, std::span<float> values) = 0;

  virtual std::unique_ptr<PackedWeights> do_pack_norm(const RawWeight& gamma, const RawWeight& beta) = 0;
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
  virtual Tensor do_group_norm_moments(const Tensor& x, const GroupNormOptions& options) = 0;
  virtual Tensor do_attention(const Tensor& qkv, const Shape& result, int64_t heads) = 0;
  virtual Tensor do_temporal_attention(const Tensor& qkv, const Shape& result, int64_t heads) = 0;
  virtual Tensor do_concat_channels(const Tensor& a, const Tensor& b, const Shape& result) = 0;
  virtual void do_place_frames(const Tensor& x, int64_t first, Tensor& whole) = 0;  // of the same type

  // Reports the operation, does the work and returns its result.
  template <typename Work>
  Tensor observed(OpInfo info, const Work& work);

  OpObserver* observer_ = nullptr;
};

template <typename Work>
Tensor Backend::observed(OpInfo info, const Work& work) {
  if (!observer_) return work();
  observer_->before(info);
  Tensor result = work();
  if (observer_->times()) finish();
  observer_->after(info);
  return result;
}

}  // namespace svd
