// Noise levels, and how the network is conditioned on them.
#pragma once

#include <vector>

namespace svd {

// Karras et al., "Elucidating the design space of diffusion-based generative models" (2022), equation 5.
// The defaults are Stable Video Diffusion's.
struct EDMDiscretization {
  double sigma_min = 0.002;
  double sigma_max = 700.0;
  double rho = 7.0;
};

// Noise levels for `steps` steps, largest first, and a final 0: [steps + 1], strictly decreasing.
// Throws Error(invalid_argument).
std::vector<float> edm_sigmas(const EDMDiscretization& discretization, int steps);

// The same from the 1000 levels that Stable Diffusion 1 was trained on, for at most 1000 steps.
std::vector<float> legacy_ddpm_sigmas(int steps);

// D(x, sigma) = c_skip x + c_out F(c_in x, c_noise) for a network F.
struct Preconditioning {
  float c_skip;
  float c_out;
  float c_in;
  float c_noise;
};

// The reference's VScalingWithEDMcNoise: F predicts v (Salimans and Ho, 2022) and is given a quarter of ln sigma.
Preconditioning v_scaling_with_edm_c_noise(float sigma);

// Sinusoidal embedding, [width]: cosines of t at width / 2 frequencies from 1 down to nearly 1/10000, then the sines.
// Throws Error(invalid_argument) unless the width is even.
std::vector<float> timestep_embedding(float t, int width);

}  // namespace svd
