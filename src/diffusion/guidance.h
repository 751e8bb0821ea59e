// Classifier-free guidance: how far to move from the unconditional prediction towards the conditional one, and beyond.
#pragma once

#include <span>
#include <vector>

namespace svd {

// D = D_uncond + scale_t (D_cond - D_uncond), with one scale for each frame t. Immutable, thread-safe.
class Guider {
 public:
  virtual ~Guider() = default;

  // One scale per frame: [frames]. Throws Error(invalid_argument) for fewer than one frame.
  virtual std::vector<float> scales(int frames) const = 0;

  // False if combine() ignores its first argument, which may then be empty.
  virtual bool needs_unconditional() const { return true; }

  // All three spans have the same size and consist of `frames` equal parts; `out` may be one of the others.
  // Throws Error(invalid_argument) if the sizes do not match.
  virtual void combine(std::span<const float> unconditional, std::span<const float> conditional, std::span<float> out,
                       int frames) const;
};

// From min at the first frame to max at the last: what Stable Video Diffusion uses. The further a frame is from the
// picture, the more strongly it must be tied to it.
class LinearPredictionGuider final : public Guider {
 public:
  LinearPredictionGuider(float min_scale, float max_scale) : min_(min_scale), max_(max_scale) {}
  std::vector<float> scales(int frames) const override;

 private:
  float min_;
  float max_;
};

// From min at the first frame to max in the middle and back: for clips that end where they began.
class TrianglePredictionGuider final : public Guider {
 public:
  TrianglePredictionGuider(float min_scale, float max_scale) : min_(min_scale), max_(max_scale) {}
  std::vector<float> scales(int frames) const override;

 private:
  float min_;
  float max_;
};

// One scale for all frames.
class VanillaGuider final : public Guider {
 public:
  explicit VanillaGuider(float scale) : scale_(scale) {}
  std::vector<float> scales(int frames) const override;

 private:
  float scale_;
};

// No guidance: the conditional prediction as it is, and half the work.
class IdentityGuider final : public Guider {
 public:
  std::vector<float> scales(int frames) const override;
  bool needs_unconditional() const override { return false; }
  void combine(std::span<const float> unconditional, std::span<const float> conditional, std::span<float> out,
               int frames) const override;
};

}  // namespace svd
