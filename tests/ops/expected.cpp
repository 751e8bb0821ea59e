#include "expected.h"

#include <algorithm>
#include <cmath>

namespace svd::test {

double expected_activation(Activation activation, double x) {
  if (activation == Activation::silu) return x / (1.0 + std::exp(-x));
  if (activation == Activation::gelu) return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
  return x;
}

Array expected_conv2d(const Array& x, const Conv2dSpec& spec, const Array& kernel, const Array& bias) {
  Array source = x;  // with the upsampling done
  if (spec.upsample) {
    source = Array(Shape{x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]});
    for (int64_t t = 0; t < source.shape[0]; ++t) {
      for (int64_t i = 0; i < source.shape[1]; ++i) {
        for (int64_t j = 0; j < source.shape[2]; ++j) {
          for (int64_t c = 0; c < source.shape[3]; ++c) source.at(t, i, j, c) = x.at(t, i / 2, j / 2, c);
        }
      }
    }
  }
  // Then the zeros around it.
  const int64_t pads = spec.pad_before + spec.pad_after;
  Array padded(Shape{source.shape[0], source.shape[1] + pads, source.shape[2] + pads, source.shape[3]});
  for (int64_t t = 0; t < source.shape[0]; ++t) {
    for (int64_t i = 0; i < source.shape[1]; ++i) {
      for (int64_t j = 0; j < source.shape[2]; ++j) {
        for (int64_t c = 0; c < source.shape[3]; ++c) {
          padded.at(t, i + spec.pad_before, j + spec.pad_before, c) = source.at(t, i, j, c);
        }
      }
    }
  }
  const int64_t height = (padded.shape[1] - spec.kernel) / spec.stride + 1;
  const int64_t width = (padded.shape[2] - spec.kernel) / spec.stride + 1;
  Array y(Shape{x.shape[0], height, width, spec.out_channels});
  for (int64_t t = 0; t < y.shape[0]; ++t) {
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        for (int64_t o = 0; o < spec.out_channels; ++o) {
          double sum = bias.empty() ? 0.0 : bias.at(o);
          for (int64_t c = 0; c < spec.in_channels; ++c) {
            for (int64_t ky = 0; ky < spec.kernel; ++ky) {
              for (int64_t kx = 0; kx < spec.kernel; ++kx) {
                sum += kernel.at(o, c, ky, kx) * padded.at(t, i * spec.stride + ky, j * spec.stride + kx, c);
              }
            }
          }
          y.at(t, i, j, o) = sum;
        }
      }
    }
  }
  return y;
}

Array expected_temporal_conv(const Array& x, const Array& kernel, const Array& bias, double scale) {
  const int64_t frames = x.shape[0];
  Array y(Shape{frames, x.shape[1], x.shape[2], kernel.shape[0]});
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t i = 0; i < x.shape[1]; ++i) {
      for (int64_t j = 0; j < x.shape[2]; ++j) {
        for (int64_t o = 0; o < kernel.shape[0]; ++o) {
          double sum = bias.at(o);
          for (int64_t c = 0; c < kernel.shape[1]; ++c) {
            if (t > 0) sum += kernel.at(o, c, 0, 0, 0) * x.at(t - 1, i, j, c);
            sum += kernel.at(o, c, 1, 0, 0) * x.at(t, i, j, c);
            if (t + 1 < frames) sum += kernel.at(o, c, 2, 0, 0) * x.at(t + 1, i, j, c);
          }
          y.at(t, i, j, o) = scale * sum;
        }
      }
    }
  }
  return y;
}

Array expected_linear(const Array& x, const Array& matrix, const Array& bias) {
  const Array rows = x.as_matrix();
  Array y(Shape{rows.shape[0], matrix.shape[0]});
  for (int64_t r = 0; r < y.shape[0]; ++r) {
    for (int64_t o = 0; o < y.shape[1]; ++o) {
      double sum = bias.empty() ? 0.0 : bias.at(o);
      for (int64_t i = 0; i < matrix.shape[1]; ++i) sum += matrix.at(o, i) * rows.at(r, i);
      y.at(r, o) = sum;
    }
  }
  return y;
}

Array expected_with_frame_bias(const Array& x, const Array& frame_bias) {
  Array y = x;
  const int64_t frames = x.shape[0], channels = x.shape.back();
  const int64_t positions = x.shape.numel() / (frames * channels);
  y.shape = {frames, positions, channels};
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t p = 0; p < positions; ++p) {
      for (int64_t c = 0; c < channels; ++c) y.at(t, p, c) += frame_bias.at(frame_bias.shape[0] == 1 ? 0 : t, c);
    }
  }
  y.shape = x.shape;
  return y;
}

Array expected_group_norm(const Array& x, const NormValues& w, NormSpan span, Activation activation) {
  const int64_t frames = x.shape[0], channels = x.shape.back();
  const int64_t positions = x.shape.numel() / (frames * channels);
  Array in = x;
  in.shape = {frames, positions, channels};
  Array y = in;
  // Each element looks up the statistics of its own group; they are gathered first.
  const auto set_of = [&](int64_t t, int64_t c) {
    return static_cast<size_t>((span == NormSpan::all_frames ? 0 : t) * 32 + c / (channels / 32));
  };
  std::vector<double> count(static_cast<size_t>(frames * 32)), mean(count.size()), variance(count.size());
  for (int pass = 0; pass < 3; ++pass) {
    for (int64_t t = 0; t < frames; ++t) {
      for (int64_t p = 0; p < positions; ++p) {
        for (int64_t c = 0; c < channels; ++c) {
          const size_t s = set_of(t, c);
          const double v = in.at(t, p, c);
          if (pass == 0) {
            count[s] += 1;
            mean[s] += v;  // the sum, until divided below
          } else if (pass == 1) {
            variance[s] += (v - mean[s]) * (v - mean[s]) / count[s];
          } else {
            const size_t i = static_cast<size_t>(c);
            const double normal = (v - mean[s]) / std::sqrt(variance[s] + w.epsilon);
            y.at(t, p, c) = expected_activation(activation, normal * w.gamma[i] + w.beta[i]);
          }
        }
      }
    }
    for (size_t s = 0; pass == 0 && s < mean.size(); ++s) mean[s] /= std::max(count[s], 1.0);
  }
  y.shape = x.shape;
  return y;
}

Array expected_layer_norm(const Array& x, const NormValues& w) {
  Array y = x.as_matrix();
  const int64_t channels = y.shape[1];
  for (int64_t r = 0; r < y.shape[0]; ++r) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < channels; ++c) mean += y.at(r, c) / static_cast<double>(channels);
    for (int64_t c = 0; c < channels; ++c) {
      variance += (y.at(r, c) - mean) * (y.at(r, c) - mean) / static_cast<double>(channels);
    }
    for (int64_t c = 0; c < channels; ++c) {
      const size_t i = static_cast<size_t>(c);
      y.at(r, c) = (y.at(r, c) - mean) / std::sqrt(variance + w.epsilon) * w.gamma[i] + w.beta[i];
    }
  }
  y.shape = x.shape;
  return y;
}

Array expected_feed_forward(const Array& x, const NormValues& norm, const Array& w1, const Array& b1, const Array& w2,
                            const Array& b2) {
  const int64_t inner = w2.shape[1];
  const Array hidden = expected_linear(expected_layer_norm(x, norm), w1, b1);
  Array gated(Shape{hidden.shape[0], inner});
  for (int64_t r = 0; r < gated.shape[0]; ++r) {
    for (int64_t i = 0; i < inner; ++i) {
      gated.at(r, i) = hidden.at(r, i) * expected_activation(Activation::gelu, hidden.at(r, inner + i));
    }
  }
  Array y = sum_of(expected_linear(gated, w2, b2), x);
  y.shape = x.shape;
  return y;
}

Array expected_attention(const Array& qkv, int64_t heads) {
  const int64_t frames = qkv.shape[0], tokens = qkv.shape[1], channels = qkv.shape[2] / 3;
  const int64_t width = channels / heads;
  Array y(Shape{frames, tokens, channels});
  std::vector<double> p(static_cast<size_t>(tokens));
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < tokens; ++i) {
        for (int64_t j = 0; j < tokens; ++j) {
          double logit = 0;
          for (int64_t c = h * width; c < (h + 1) * width; ++c) logit += qkv.at(t, i, c) * qkv.at(t, j, channels + c);
          p[static_cast<size_t>(j)] = logit / std::sqrt(static_cast<double>(width));
        }
        const double largest = *std::max_element(p.begin(), p.end());
        double total = 0;
        for (double& v : p) total += v = std::exp(v - largest);
        for (int64_t j = 0; j < tokens; ++j) {
          for (int64_t c = h * width; c < (h + 1) * width; ++c) {
            y.at(t, i, c) += p[static_cast<size_t>(j)] / total * qkv.at(t, j, 2 * channels + c);
          }
        }
      }
    }
  }
  return y;
}

namespace {

// [a, b, C] to [b, a, C]
Array transposed(const Array& x) {
  Array y(Shape{x.shape[1], x.shape[0], x.shape[2]});
  for (int64_t i = 0; i < x.shape[0]; ++i) {
    for (int64_t j = 0; j < x.shape[1]; ++j) {
      for (int64_t c = 0; c < x.shape[2]; ++c) y.at(j, i, c) = x.at(i, j, c);
    }
  }
  return y;
}

}  // namespace

Array expected_temporal_attention(const Array& qkv, int64_t heads) {
  return transposed(expected_attention(transposed(qkv), heads));
}

Array sum_of(const Array& a, const Array& b) {
  Array y = a;
  for (size_t i = 0; i < y.values.size(); ++i) y.values[i] += b.values[i];
  return y;
}

}  // namespace svd::test
