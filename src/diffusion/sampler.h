// From noise to a sample, one noise level after another.
#pragma once

#include <functional>
#include <span>

#include "diffusion/random.h"

namespace svd {

// Writes the predicted clean sample, D(x, sigma), to `denoised`; both have the size of the sample.
using Denoiser = std::function<void(std::span<const float> x, float sigma, std::span<float> denoised)>;

// Called after each step with 1 ... total. May be empty. An exception it throws ends the sampling, which is how to
// cancel it.
using StepCallback = std::function<void(int step, int total)>;

// Solves dx/dsigma = (x - D(x, sigma)) / sigma, or its stochastic form, from the largest noise level to the smallest.
// Names and defaults are the reference's. Immutable, thread-safe.
class Sampler {
 public:
  virtual ~Sampler() = default;

  // `x` contains N(0, 1) values and is replaced by the sample; sample() scales them to the first noise level, by
  // sqrt(1 + sigmas[0]^2). `sigmas` (steps + 1 of them) must decrease strictly, and only the last may be 0.
  // Throws Error(invalid_argument), and whatever the denoiser or the callback throws.
  void sample(std::span<float> x, std::span<const float> sigmas, const Denoiser& denoiser, Generator& generator,
              const StepCallback& on_step = {}) const;

  // The largest number of times that the denoiser is called in so many steps.
  virtual int evaluations(int steps) const { return steps; }

 protected:
  struct Run;  // the arguments of sample()
  virtual void run(const Run& run) const = 0;
};

// Noise added before a step whose level is within [s_tmin, s_tmax] (Karras et al. 2022, algorithm 2).
struct Churn {
  double s_churn = 0.0;  // for the whole run: divided evenly among the steps
  double s_tmin = 0.0;
  double s_tmax = 999.0;
  double s_noise = 1.0;  // standard deviation of the added noise
};

// Noise added after a step, which first goes to a level a little below the next one.
struct Ancestral {
  double eta = 1.0;  // 0: none (the noise is drawn nevertheless), 1: as in DDPM
  double s_noise = 1.0;
};

// First order. What Stable Video Diffusion uses.
class EulerEDMSampler final : public Sampler {
 public:
  explicit EulerEDMSampler(Churn churn = {}) : churn_(churn) {}

 private:
  void run(const Run& run) const override;
  Churn churn_;
};

// Second order; two calls of the denoiser per step except the last.
class HeunEDMSampler final : public Sampler {
 public:
  explicit HeunEDMSampler(Churn churn = {}) : churn_(churn) {}
  int evaluations(int steps) const override { return 2 * steps - 1; }

 private:
  void run(const Run& run) const override;
  Churn churn_;
};

class EulerAncestralSampler final : public Sampler {
 public:
  explicit EulerAncestralSampler(Ancestral ancestral = {}) : ancestral_(ancestral) {}

 private:
  void run(const Run& run) const override;
  Ancestral ancestral_;
};

// Lu et al., "DPM-Solver++" (2022): single-step, second order; two calls per step except the last.
class DPMPP2SAncestralSampler final : public Sampler {
 public:
  explicit DPMPP2SAncestralSampler(Ancestral ancestral = {}) : ancestral_(ancestral) {}
  int evaluations(int steps) const override { return 2 * steps - 1; }

 private:
  void run(const Run& run) const override;
  Ancestral ancestral_;
};

// From the same paper: multistep, second order; one call per step.
class DPMPP2MSampler final : public Sampler {
 private:
  void run(const Run& run) const override;
};

// Adams-Bashforth over the last `order` slopes; one call per step.
class LinearMultistepSampler final : public Sampler {
 public:
  explicit LinearMultistepSampler(int order = 4);  // throws Error(invalid_argument) below 1

 private:
  void run(const Run& run) const override;
  int order_;
};

}  // namespace svd
