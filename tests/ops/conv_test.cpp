#include <utility>

#include "expected.h"
#include "op_test.h"

namespace svd::test {
namespace {

enum class Residual { none, borrowed, consumed };

struct Picture {
  int64_t frames, height, width;
};

struct Conv2dCase {
  Picture picture;
  Conv2dSpec spec;
  bool bias = true;
  Residual residual = Residual::none;
};

class ConvTest : public OpTest {
 protected:
  void check_conv2d(const Conv2dCase& c) {
    const Conv2dSpec& s = c.spec;
    SCOPED_TRACE(testing::Message() << c.picture.frames << "x" << c.picture.height << "x" << c.picture.width << ", "
                                    << s.in_channels << " -> " << s.out_channels << ", kernel " << s.kernel
                                    << ", stride " << s.stride << ", pads " << s.pad_before << s.pad_after
                                    << (s.upsample ? ", upsample" : "") << (c.bias ? "" : ", no bias"));
    const Tensor x = input({c.picture.frames, c.picture.height, c.picture.width, s.in_channels}, 1);
    const Array kernel = weight({s.out_channels, s.in_channels, s.kernel, s.kernel}, 2);
    const Array b = c.bias ? bias(s.out_channels, 3) : Array();
    const RawWeight raw_bias = c.bias ? raw(b) : RawWeight();
    const Conv2dWeights w = backend().pack_conv2d(s, raw(kernel), c.bias ? &raw_bias : nullptr);

    Array expected = expected_conv2d(to_doubles(x), s, kernel, b);
    if (c.residual == Residual::none) return check_shape_and_values(backend().conv2d(x, w), expected);

    Tensor residual = input(expected.shape, 4);
    const Array before = to_doubles(residual);
    expected = sum_of(expected, before);
    if (c.residual == Residual::borrowed) {
      check_shape_and_values(backend().conv2d(x, w, {.residual = residual}), expected);
      EXPECT_EQ(to_doubles(residual).values, before.values) << "a borrowed residual was changed";
    } else {
      check_shape_and_values(backend().conv2d(x, w, {.residual = std::move(residual)}), expected);
    }
  }

  void check_shape_and_values(const Tensor& actual, const Array& expected) {
    EXPECT_EQ(actual.shape().str(), expected.shape.str());
    expect_result(actual, expected);
  }
};

TEST_P(ConvTest, Conv2d3x3) {
  const Conv2dCase cases[] = {
      {{1, 1, 1}, {.in_channels = 4, .out_channels = 32}},    {{2, 1, 2}, {.in_channels = 32, .out_channels = 64}},
      {{3, 3, 5}, {.in_channels = 8, .out_channels = 3}},     {{14, 3, 5}, {.in_channels = 32, .out_channels = 32}},
      {{25, 1, 2}, {.in_channels = 8, .out_channels = 32}},   {{2, 9, 16}, {.in_channels = 64, .out_channels = 64}},
      {{1, 9, 16}, {.in_channels = 64, .out_channels = 4}},   {{1, 17, 33}, {.in_channels = 4, .out_channels = 32}},
      {{1, 17, 33}, {.in_channels = 32, .out_channels = 3}},  {{1, 17, 33}, {.in_channels = 3, .out_channels = 64}},
      {{1, 3, 5}, {.in_channels = 320, .out_channels = 320}}, {{2, 1, 2}, {.in_channels = 640, .out_channels = 320}},
      {{1, 2, 2}, {.in_channels = 320, .out_channels = 640}},
  };
  for (const Conv2dCase& c : cases) check_conv2d(c);
}

// Larger than the tiles that a backend may cut a picture into.
TEST_P(ConvTest, ManyTiles) {
  const Conv2dCase cases[] = {
      {{1, 21, 150}, {.in_channels = 32, .out_channels = 32}},
      {{2, 40, 70}, {.in_channels = 16, .out_channels = 72}},
      {{1, 43, 81}, {.in_channels = 32, .out_channels = 8, .stride = 2}},
      {{1, 44, 82}, {.in_channels = 32, .out_channels = 8, .stride = 2, .pad_before = 0, .pad_after = 1}},
      {{1, 19, 75}, {.in_channels = 32, .out_channels = 40, .upsample = true}},
      {{5, 8, 8}, {.in_channels = 64, .out_channels = 64, .upsample = true}, true, Residual::consumed},
      {{19, 8, 8}, {.in_channels = 64, .out_channels = 64}, true, Residual::borrowed},
  };
  for (const Conv2dCase& c : cases) check_conv2d(c);
}

// A GroupNorm in front is the same as one before, whether the backend fuses it or not.
TEST_P(ConvTest, NormInFront) {
  struct Case {
    Picture picture;
    int64_t in, out;
    NormSpan span;
    int64_t frame_bias_rows;
    Activation activation;
    bool upsample = false;
  };
  const Case cases[] = {
      {{1, 1, 1}, 32, 32, NormSpan::per_frame, 0, Activation::none},
      {{3, 5, 7}, 64, 32, NormSpan::per_frame, 1, Activation::silu},
      {{2, 17, 70}, 32, 3, NormSpan::per_frame, 2, Activation::silu},
      {{4, 9, 16}, 96, 64, NormSpan::all_frames, 1, Activation::silu},
      {{2, 5, 9}, 32, 32, NormSpan::per_frame, 0, Activation::silu, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.picture.frames << "x" << c.picture.height << "x" << c.picture.width << ", "
                                    << c.in << " -> " << c.out);
    const Tensor x = input({c.picture.frames, c.picture.height, c.picture.width, c.in}, 1, 3.0);
    const NormValues norm = make_norm(c.in, 5);
    const NormWeights norm_weights = packed(norm);
    const Array frame_bias = c.frame_bias_rows > 0 ? random_array({c.frame_bias_rows, c.in}, 6, DType::f32) : Array();
    const Tensor frame_bias_tensor = c.frame_bias_rows > 0 ? make_f32(backend(), frame_bias) : Tensor();
    const GroupNormOptions options{
        .span = c.span, .activation = c.activation, .frame_bias = c.frame_bias_rows > 0 ? &frame_bias_tensor : nullptr};
    const Array values = c.frame_bias_rows > 0 ? expected_with_frame_bias(to_doubles(x), frame_bias) : to_doubles(x);
    const Array normed = expected_group_norm(values, norm, c.span, c.activation);

    const Conv2dSpec spec{.in_channels = c.in, .out_channels = c.out, .upsample = c.upsample};
    const Array kernel = weight({c.out, c.in, 3, 3}, 2), b = bias(c.out, 3);
    const RawWeight raw_bias = raw(b);
    const Conv2dWeights w = backend().pack_conv2d(spec, raw(kernel), &raw_bias);
    check_shape_and_values(backend().conv2d(x, w, {.norm = &norm_weights, .norm_options = options}),
                           expected_conv2d(normed, spec, kernel, b));

    const Array over_frames = weight({c.out, c.in, 3, 1, 1}, 7);
    const TemporalConvWeights t = backend().pack_temporal_conv(raw(over_frames), raw(b), 0.5f);
    Array expected = expected_temporal_conv(normed, over_frames, b, 0.5);
    Tensor residual = input(expected.shape, 8);
    expected = sum_of(expected, to_doubles(residual));
    check_shape_and_values(backend().temporal_conv(
                               x, t, {.norm = &norm_weights, .norm_options = options, .residual = std::move(residual)}),
                           expected);
  }
}

TEST_P(ConvTest, Conv2d1x1) {
  for (const Picture& picture : {Picture{1, 1, 1}, Picture{2, 1, 2}, Picture{3, 3, 5}, Picture{1, 17, 33}}) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{4, 4}, {8, 8}, {32, 64}, {320, 32}, {640, 320}, {3, 7}}) {
      const Conv2dSpec spec{.in_channels = in, .out_channels = out, .kernel = 1, .pad_before = 0, .pad_after = 0};
      check_conv2d({picture, spec});
    }
  }
}

// The UNet's way to halve a picture: a row of zeros on every side.
TEST_P(ConvTest, Conv2dStride2) {
  for (const Picture& picture : {Picture{1, 1, 1}, Picture{2, 1, 2}, Picture{3, 3, 5}, Picture{1, 9, 16},
                                 Picture{2, 17, 33}, Picture{1, 8, 8}}) {
    check_conv2d({picture, {.in_channels = 32, .out_channels = 64, .stride = 2}});
  }
  check_conv2d({{1, 3, 5}, {.in_channels = 320, .out_channels = 320, .stride = 2}});
}

// The autoencoder's: zeros below and to the right only.
TEST_P(ConvTest, Conv2dStride2PaddedBehind) {
  for (const Picture& picture :
       {Picture{1, 2, 2}, Picture{3, 3, 5}, Picture{1, 9, 16}, Picture{2, 17, 33}, Picture{1, 8, 16}}) {
    check_conv2d({picture, {.in_channels = 32, .out_channels = 64, .stride = 2, .pad_before = 0}});
  }
}

TEST_P(ConvTest, Conv2dUpsample) {
  for (const Picture& picture : {Picture{1, 1, 1}, Picture{2, 1, 2}, Picture{3, 3, 5}, Picture{1, 9, 16}}) {
    check_conv2d({picture, {.in_channels = 32, .out_channels = 64, .upsample = true}});
  }
  check_conv2d({{1, 3, 5}, {.in_channels = 320, .out_channels = 64, .upsample = true}, true, Residual::borrowed});
}

// CLIP's patches. 30 x 45 leaves a rest that no patch covers.
TEST_P(ConvTest, Conv2dPatches) {
  for (const Picture& picture : {Picture{1, 14, 14}, Picture{1, 28, 42}, Picture{1, 30, 45}}) {
    const Conv2dSpec spec{
        .in_channels = 3, .out_channels = 80, .kernel = 14, .stride = 14, .pad_before = 0, .pad_after = 0};
    check_conv2d({picture, spec, false});
  }
}

TEST_P(ConvTest, Conv2dWithoutBias) {
  check_conv2d({{2, 3, 5}, {.in_channels = 32, .out_channels = 32}, false});
  check_conv2d({{2, 3, 5}, {.in_channels = 32, .out_channels = 32}, false, Residual::consumed});
}

TEST_P(ConvTest, Conv2dResidual) {
  for (const Residual residual : {Residual::borrowed, Residual::consumed}) {
    check_conv2d({{2, 9, 16}, {.in_channels = 64, .out_channels = 64}, true, residual});
    check_conv2d({{1, 3, 5}, {.in_channels = 8, .out_channels = 3}, true, residual});
    check_conv2d({{3, 3, 5}, {.in_channels = 32, .out_channels = 64, .stride = 2}, true, residual});
    check_conv2d({{3, 3, 5},
                  {.in_channels = 64, .out_channels = 32, .kernel = 1, .pad_before = 0, .pad_after = 0},
                  true,
                  residual});
  }
}

TEST_P(ConvTest, BFloat16CheckpointGivesTheSameResult) {
  const Conv2dSpec spec{.in_channels = 32, .out_channels = 64};
  const Tensor x = input({2, 3, 5, 32}, 1);
  const Array kernel = random_array({64, 32, 3, 3}, 2, DType::bf16, 0.06);
  const Array b = random_array({64}, 3, DType::bf16);
  const RawWeight bias32 = raws_.f32(b), bias16 = raws_.bf16(b);
  const Tensor from_f32 = backend().conv2d(x, backend().pack_conv2d(spec, raws_.f32(kernel), &bias32));
  const Tensor from_bf16 = backend().conv2d(x, backend().pack_conv2d(spec, raws_.bf16(kernel), &bias16));
  EXPECT_EQ(to_doubles(from_f32).values, to_doubles(from_bf16).values);
}

TEST_P(ConvTest, TemporalConv) {
  struct Case {
    Shape x;
    int64_t out;
    float scale = 1;
  };
  const Case cases[] = {
      {{1, 3, 5, 32}, 32},    {{2, 3, 5, 32}, 64},         {{3, 1, 1, 64}, 64},       {{14, 3, 5, 64}, 64},
      {{25, 1, 2, 320}, 320}, {{3, 9, 16, 32}, 32},        {{14, 3, 5, 3}, 3},        {{2, 17, 33, 3}, 3},
      {{3, 1, 2, 640}, 640},  {{14, 3, 5, 32}, 32, 0.25f}, {{2, 1, 2, 64}, 32, 0.7f}, {{1, 17, 33, 32}, 32, 0.5f},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.x.str() << " -> " << c.out << ", scale " << c.scale);
    const Tensor x = input(c.x, 1);
    const Array kernel = weight({c.out, c.x[3], 3, 1, 1}, 2);
    const Array b = bias(c.out, 3);
    const TemporalConvWeights w = backend().pack_temporal_conv(raw(kernel), raw(b), c.scale);
    const Array expected = expected_temporal_conv(to_doubles(x), kernel, b, static_cast<double>(c.scale));
    check_shape_and_values(backend().temporal_conv(x, w), expected);

    Tensor residual = input(expected.shape, 4);
    const Array before = to_doubles(residual);
    check_shape_and_values(backend().temporal_conv(x, w, {.residual = residual}), sum_of(expected, before));
    EXPECT_EQ(to_doubles(residual).values, before.values) << "a borrowed residual was changed";
    check_shape_and_values(backend().temporal_conv(x, w, {.residual = std::move(residual)}), sum_of(expected, before));
  }
}

// The residual block adds its own input: x may be the residual too.
TEST_P(ConvTest, ResidualMayBeTheInput) {
  const Tensor x = input({3, 3, 5, 64}, 1);
  const Array kernel = weight({64, 64, 3, 1, 1}, 2);
  const Array b = bias(64, 3);
  const TemporalConvWeights w = backend().pack_temporal_conv(raw(kernel), raw(b), 1);
  const Array before = to_doubles(x);
  check_shape_and_values(backend().temporal_conv(x, w, {.residual = x}),
                         sum_of(expected_temporal_conv(before, kernel, b, 1), before));
  EXPECT_EQ(to_doubles(x).values, before.values);
}

TEST_P(ConvTest, ScaledKernels) {
  const std::vector<float> scales = {0.5f, 2, 1, 4};
  const Array kernel = weight({4, 32, 3, 3}, 1);
  Array scaled = kernel;
  for (int64_t o = 0; o < 4; ++o) {
    for (int64_t i = 0; i < 32 * 9; ++i)
      scaled.values[static_cast<size_t>(o * 32 * 9 + i)] *= scales[static_cast<size_t>(o)];
  }
  RawWeight stored = raw(kernel);
  stored.scales = scales;
  const Tensor x = input({2, 5, 7, 32}, 2);
  for (const bool upsample : {false, true}) {
    const Conv2dSpec spec{.in_channels = 32, .out_channels = 4, .upsample = upsample};
    expect_result(backend().conv2d(x, backend().pack_conv2d(spec, stored, nullptr)),
                  expected_conv2d(to_doubles(x), spec, scaled, {}), 1.5);
  }
}

SVD_TEST_ALL_BACKENDS(ConvTest);

}  // namespace
}  // namespace svd::test
