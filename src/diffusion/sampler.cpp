#include "diffusion/sampler.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numbers>
#include <utility>
#include <vector>

#include "base/fail.h"

namespace svd {

using Values = std::vector<float>;

struct Sampler::Run {
  std::span<float> x;
  std::span<const float> sigmas;
  const Denoiser& denoise;
  Generator& generator;
  const StepCallback& on_step;

  size_t steps() const { return sigmas.size() - 1; }
  void finished(size_t step) const {
    if (on_step) on_step(static_cast<int>(step + 1), static_cast<int>(steps()));
  }
};

namespace {

void check_sigmas(std::span<const float> sigmas) {
  if (sigmas.size() < 2) {
    fail(ErrorCode::invalid_argument, "expected at least 2 noise levels, found {}", sigmas.size());
  }
  for (size_t i = 0; i + 1 < sigmas.size(); ++i) {
    if (!(sigmas[i + 1] >= 0 && sigmas[i] > sigmas[i + 1] && std::isfinite(sigmas[i]))) {
      fail(ErrorCode::invalid_argument,
           "noise level {} is {} and the next is {}: they must decrease strictly and not below 0", i, sigmas[i],
           sigmas[i + 1]);
    }
  }
}

// target = a * x + b * y, element by element; target may be x or y.
void combine(std::span<float> target, double a, std::span<const float> x, double b, std::span<const float> y) {
  const float a32 = static_cast<float>(a);
  const float b32 = static_cast<float>(b);
  for (size_t i = 0; i < target.size(); ++i) target[i] = a32 * x[i] + b32 * y[i];
}

// (x - D) / sigma, the slope dx/dsigma.
void slope(std::span<const float> x, std::span<const float> denoised, float sigma, std::span<float> d) {
  for (size_t i = 0; i < d.size(); ++i) d[i] = (x[i] - denoised[i]) / sigma;
}

void euler_step(std::span<float> x, std::span<const float> denoised, float from, float to) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += (to - from) * ((x[i] - denoised[i]) / from);
}

void add_noise(std::span<float> x, Generator& generator, double standard_deviation) {
  Values noise(x.size());
  generator.normal(noise);
  combine(x, 1.0, x, standard_deviation, noise);
}

// Adds noise to x, which is at level `sigma`, as the parameters say. Returns the new level.
float add_churn(const Churn& churn, std::span<float> x, float sigma, size_t steps, Generator& generator) {
  if (sigma < churn.s_tmin || sigma > churn.s_tmax) return sigma;
  const double gamma = std::min(churn.s_churn / static_cast<double>(steps), std::numbers::sqrt2 - 1.0);
  if (!(gamma > 0)) return sigma;
  const double raised = sigma * (1.0 + gamma);
  add_noise(x, generator, churn.s_noise * std::sqrt(raised * raised - double{sigma} * sigma));
  return static_cast<float>(raised);
}

// A step from one level to the next is a deterministic step to a lower level, plus noise that brings it back up.
struct AncestralStep {
  float down;
  float up;
};

AncestralStep ancestral_step(double from, double to, double eta) {
  const double up = std::min(to, eta * std::sqrt(to * to * (from * from - to * to) / (from * from)));
  return {.down = static_cast<float>(std::sqrt(to * to - up * up)), .up = static_cast<float>(up)};
}

// The integral over [sigmas[step], sigmas[step + 1]] of the Lagrange polynomial that is 1 at the level `back` steps ago
// and 0 at the others of the last `order` levels. With u = (sigma - sigmas[step]) / length, the interval is [0, 1].
double multistep_coefficient(std::span<const float> sigmas, size_t step, size_t order, size_t back) {
  const double start = sigmas[step];
  const double length = double{sigmas[step + 1]} - start;
  const auto node = [&](size_t k) { return (sigmas[step - k] - start) / length; };
  std::vector<double> polynomial{1.0};  // coefficients of u^0, u^1, ...
  for (size_t k = 0; k < order; ++k) {
    if (k == back) continue;
    const double scale = 1.0 / (node(back) - node(k));
    polynomial.push_back(0.0);
    for (size_t p = polynomial.size(); p-- > 0;) {  // times scale * (u - node(k))
      polynomial[p] = scale * ((p > 0 ? polynomial[p - 1] : 0.0) - node(k) * polynomial[p]);
    }
  }
  double integral = 0.0;
  for (size_t p = 0; p < polynomial.size(); ++p) integral += polynomial[p] / static_cast<double>(p + 1);
  return integral * length;
}

}  // namespace

void Sampler::sample(std::span<float> x, std::span<const float> sigmas, const Denoiser& denoiser, Generator& generator,
                     const StepCallback& on_step) const {
  check_sigmas(sigmas);
  const float scale = static_cast<float>(std::sqrt(1.0 + double{sigmas[0]} * sigmas[0]));
  for (float& value : x) value *= scale;
  run({.x = x, .sigmas = sigmas, .denoise = denoiser, .generator = generator, .on_step = on_step});
}

void EulerEDMSampler::run(const Run& run) const {
  Values denoised(run.x.size());
  for (size_t i = 0; i < run.steps(); ++i) {
    const float sigma = add_churn(churn_, run.x, run.sigmas[i], run.steps(), run.generator);
    run.denoise(run.x, sigma, denoised);
    euler_step(run.x, denoised, sigma, run.sigmas[i + 1]);
    run.finished(i);
  }
}

void HeunEDMSampler::run(const Run& run) const {
  Values denoised(run.x.size()), d(run.x.size()), d_next(run.x.size()), x_next(run.x.size());
  for (size_t i = 0; i < run.steps(); ++i) {
    const float sigma = add_churn(churn_, run.x, run.sigmas[i], run.steps(), run.generator);
    const float next = run.sigmas[i + 1];
    run.denoise(run.x, sigma, denoised);
    slope(run.x, denoised, sigma, d);
    combine(x_next, 1.0, run.x, next - sigma, d);
    if (next > 0) {  // there is no slope at 0
      run.denoise(x_next, next, denoised);
      slope(x_next, denoised, next, d_next);
      combine(d, 0.5, d, 0.5, d_next);
      combine(x_next, 1.0, run.x, next - sigma, d);
    }
    std::ranges::copy(x_next, run.x.begin());
    run.finished(i);
  }
}

void EulerAncestralSampler::run(const Run& run) const {
  Values denoised(run.x.size());
  for (size_t i = 0; i < run.steps(); ++i) {
    const AncestralStep step = ancestral_step(run.sigmas[i], run.sigmas[i + 1], ancestral_.eta);
    run.denoise(run.x, run.sigmas[i], denoised);
    euler_step(run.x, denoised, run.sigmas[i], step.down);
    add_noise(run.x, run.generator, ancestral_.s_noise * step.up);
    run.finished(i);
  }
}

void DPMPP2SAncestralSampler::run(const Run& run) const {
  Values denoised(run.x.size()), x_middle(run.x.size());
  for (size_t i = 0; i < run.steps(); ++i) {
    const float sigma = run.sigmas[i];
    const AncestralStep step = ancestral_step(sigma, run.sigmas[i + 1], ancestral_.eta);
    run.denoise(run.x, sigma, denoised);
    if (step.down > 0) {
      const double h = std::log(double{sigma} / step.down);  // in t = -ln sigma
      const double middle = sigma * std::exp(-0.5 * h);
      combine(x_middle, middle / sigma, run.x, -std::expm1(-0.5 * h), denoised);
      run.denoise(x_middle, static_cast<float>(middle), denoised);
      combine(run.x, double{step.down} / sigma, run.x, -std::expm1(-h), denoised);
    } else {
      euler_step(run.x, denoised, sigma, step.down);
    }
    add_noise(run.x, run.generator, ancestral_.s_noise * step.up);
    run.finished(i);
  }
}

void DPMPP2MSampler::run(const Run& run) const {
  Values denoised(run.x.size()), previous(run.x.size()), extrapolated(run.x.size());
  double h_last = 0;
  for (size_t i = 0; i < run.steps(); ++i) {
    const double sigma = run.sigmas[i];
    const double next = run.sigmas[i + 1];
    run.denoise(run.x, run.sigmas[i], denoised);
    if (next > 0) {
      const double h = std::log(sigma / next);
      const double weight = i > 0 ? h / (2.0 * h_last) : 0.0;  // 1 / (2r)
      combine(extrapolated, 1.0 + weight, denoised, -weight, previous);
      combine(run.x, next / sigma, run.x, -std::expm1(-h), extrapolated);
      h_last = h;
    } else {
      std::ranges::copy(denoised, run.x.begin());
    }
    std::swap(denoised, previous);
    run.finished(i);
  }
}

LinearMultistepSampler::LinearMultistepSampler(int order) : order_(order) {
  if (order < 1)
    fail(ErrorCode::invalid_argument, "order of the linear multistep sampler: expected at least 1, found {}", order);
}

void LinearMultistepSampler::run(const Run& run) const {
  Values denoised(run.x.size());
  std::deque<Values> slopes;  // newest first
  for (size_t i = 0; i < run.steps(); ++i) {
    run.denoise(run.x, run.sigmas[i], denoised);
    if (slopes.size() == static_cast<size_t>(order_)) slopes.pop_back();
    slope(run.x, denoised, run.sigmas[i], slopes.emplace_front(run.x.size()));
    for (size_t k = 0; k < slopes.size(); ++k) {
      combine(run.x, 1.0, run.x, multistep_coefficient(run.sigmas, i, slopes.size(), k), slopes[k]);
    }
    run.finished(i);
  }
}

}  // namespace svd
