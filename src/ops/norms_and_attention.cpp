#include "base/fail.h"
#include "ops/backend.h"
#include "ops/checks.h"

namespace svd {

using namespace checks;

// ---- Normalisation

Tensor Backend::group_norm(const Tensor& x, const NormWeights& w, GroupNormOptions options) {
  constexpr std::string_view op = "group_norm";
  check_operand(*this, op, x);
  check_group_norm(*this, op, x, w, options);
  const bool all = options.span == NormSpan::all_frames;
  OpInfo info{op,
              fmt::format("{}{}{}", x.shape().str(), all ? " all frames" : "",
                          options.activation == Activation::silu ? " silu" : ""),
              0, 3 * bytes_of(x)};
  return observed(std::move(info), [&] { return do_group_norm(x, w, options); });
}

Tensor Backend::layer_norm(const Tensor& x, const NormWeights& w) {
  constexpr std::string_view op = "layer_norm";
  check_memory(*this, op, x);
  check(x.type() == numerics().activations || x.type() == DType::f32, op, "activations or float32", x);
  check_channels(op, x, w.channels);
  return observed({op, x.shape().str(), 0, 2 * bytes_of(x)}, [&] { return do_layer_norm(x, w); });
}

Tensor Backend::group_norm_moments(const Tensor& x, GroupNormOptions options) {
  constexpr std::string_view op = "group_norm_moments";
  check_operand(*this, op, x);
  ensure(!options.moments, "group_norm_moments: given moments of its own");
  check_group_moments(*this, op, x, options);
  const bool all = options.span == NormSpan::all_frames;
  return observed({op, fmt::format("{}{}", x.shape().str(), all ? " all frames" : ""), 0, bytes_of(x)},
                  [&] { return do_group_norm_moments(x, options); });
}

// ---- Attention

namespace {

struct AttentionSizes {
  int64_t frames, tokens, channels;
  Shape result;
};

AttentionSizes attention_sizes(const Backend& b, std::string_view op, const Tensor& qkv, int64_t heads) {
  check_operand(b, op, qkv);
  const Shape& s = qkv.shape();
  check(heads > 0 && s.back() % (3 * heads) == 0, op, fmt::format("channels for q, k and v of {} heads", heads), qkv);
  const int64_t channels = s.back() / 3;
  const int64_t frames = s[0];
  return {frames, frames == 0 ? 0 : s.rows() / frames, channels, with_channels(s, channels)};
}

}  // namespace

Tensor Backend::attention(const Tensor& qkv, int64_t heads) {
  const AttentionSizes s = attention_sizes(*this, "attention", qkv, heads);
  const double pairs = static_cast<double>(s.frames) * static_cast<double>(s.tokens) * static_cast<double>(s.tokens);
  OpInfo info{"attention",
              fmt::format("{} frames, {} tokens, {} heads of {}", s.frames, s.tokens, heads, s.channels / heads),
              4 * pairs * static_cast<double>(s.channels), bytes_of(qkv) * 4 / 3, pairs * static_cast<double>(heads)};
  return observed(std::move(info), [&] { return do_attention(qkv, s.result, heads); });
}

Tensor Backend::temporal_attention(const Tensor& qkv, int64_t heads) {
  const AttentionSizes s = attention_sizes(*this, "temporal_attention", qkv, heads);
  const double pairs = static_cast<double>(s.tokens) * static_cast<double>(s.frames) * static_cast<double>(s.frames);
  OpInfo info{"temporal_attention",
              fmt::format("{} positions, {} frames, {} heads of {}", s.tokens, s.frames, heads, s.channels / heads),
              4 * pairs * static_cast<double>(s.channels), bytes_of(qkv) * 4 / 3, pairs * static_cast<double>(heads)};
  return observed(std::move(info), [&] { return do_temporal_attention(qkv, s.result, heads); });
}

}  // namespace svd
