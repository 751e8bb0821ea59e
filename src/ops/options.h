// Operands of the operations, and what surrounds an operation: norms before it, activation, residual and blend after.
#pragma once

#include <cstdint>
#include <utility>

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

constexpr int64_t kNormGroups = 32;  // of every GroupNorm in these networks

enum class NormSpan { per_frame, all_frames };  // what one set of GroupNorm statistics is taken over

struct GroupNormOptions {
  NormSpan span = NormSpan::per_frame;
  // [1 or T, kNormGroups, 2] float32: the mean and variance of each group, of the input with its frame bias. Null: of
  // this input. Whoever holds only some of the frames combines the moments of all (Backend::group_norm_moments).
  const Tensor* moments = nullptr;
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

}  // namespace svd
