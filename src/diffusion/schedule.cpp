#include "diffusion/schedule.h"

#include <cmath>
#include <cstddef>

#include "base/fail.h"
#include "diffusion/linspace.h"

namespace svd {
namespace {

void check_steps(int steps) {
  if (steps < 1) fail(ErrorCode::invalid_argument, "number of steps: expected at least 1, found {}", steps);
}

}  // namespace

std::vector<float> edm_sigmas(const EDMDiscretization& d, int steps) {
  check_steps(steps);
  if (!(d.sigma_min > 0 && d.sigma_min < d.sigma_max && std::isfinite(d.sigma_max))) {
    fail(ErrorCode::invalid_argument, "sigma_min {} and sigma_max {}: expected 0 < sigma_min < sigma_max", d.sigma_min,
         d.sigma_max);
  }
  if (!(d.rho > 0 && std::isfinite(d.rho)))
    fail(ErrorCode::invalid_argument, "rho: expected a number above 0, found {}", d.rho);

  // In float32 as in the reference: its first level is 700.00012, not 700.
  const double min_root = std::pow(d.sigma_min, 1.0 / d.rho);
  const double max_root = std::pow(d.sigma_max, 1.0 / d.rho);
  std::vector<float> sigmas = linspace(0.0f, 1.0f, static_cast<size_t>(steps));
  float previous = INFINITY;
  for (float& sigma : sigmas) {
    const float root = static_cast<float>(max_root) + sigma * static_cast<float>(min_root - max_root);
    sigma = std::pow(root, static_cast<float>(d.rho));
    if (!(sigma < previous && sigma > 0)) {
      fail(ErrorCode::invalid_argument,
           "{} steps from sigma_max {} to sigma_min {} with rho {} give noise levels that float32 cannot tell apart: "
           "use fewer steps or a rho closer to 7",
           steps, d.sigma_max, d.sigma_min, d.rho);
    }
    previous = sigma;
  }
  sigmas.push_back(0.0f);
  return sigmas;
}

std::vector<float> legacy_ddpm_sigmas(int steps) {
  constexpr int levels = 1000;
  constexpr double first_beta = 0.00085;
  constexpr double last_beta = 0.0120;
  check_steps(steps);
  if (steps > levels) {
    fail(ErrorCode::invalid_argument,
         "{} steps: the legacy DDPM discretisation has only {} noise levels; use fewer steps", steps, levels);
  }

  std::vector<double> kept_signal(levels);  // running product of 1 - beta
  double product = 1.0;
  for (int i = 0; i < levels; ++i) {
    const double first = std::sqrt(first_beta);
    const double root = first + i * ((std::sqrt(last_beta) - first) / (levels - 1));
    product *= 1.0 - root * root;
    kept_signal[static_cast<size_t>(i)] = product;
  }

  std::vector<float> sigmas;
  const double stride = static_cast<double>(levels - 1) / steps;
  for (int i = 0; i < steps; ++i) {
    const double kept = kept_signal[static_cast<size_t>(levels - 1 - i * stride)];
    sigmas.push_back(static_cast<float>(std::sqrt((1.0 - kept) / kept)));
  }
  sigmas.push_back(0.0f);
  return sigmas;
}

Preconditioning v_scaling_with_edm_c_noise(float sigma) {
  const double s = sigma;
  const double variance = s * s + 1.0;
  return {.c_skip = static_cast<float>(1.0 / variance),
          .c_out = static_cast<float>(-s / std::sqrt(variance)),
          .c_in = static_cast<float>(1.0 / std::sqrt(variance)),
          .c_noise = static_cast<float>(0.25 * std::log(s))};
}

std::vector<float> timestep_embedding(float t, int width) {
  if (width < 2 || width % 2 != 0)
    fail(ErrorCode::invalid_argument, "embedding width: expected an even number, found {}", width);
  constexpr double longest_period = 10000.0;
  const size_t half = static_cast<size_t>(width) / 2;
  const float log_period = static_cast<float>(-std::log(longest_period));
  std::vector<float> embedding(2 * half);
  for (size_t i = 0; i < half; ++i) {
    // Frequencies in float32, as in the reference: t times their rounding error exceeds the cosine's own error.
    const float frequency = std::exp(log_period * static_cast<float>(i) / static_cast<float>(half));
    embedding[i] = std::cos(t * frequency);
    embedding[half + i] = std::sin(t * frequency);
  }
  return embedding;
}

}  // namespace svd
