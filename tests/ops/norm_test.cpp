#include <cmath>

#include "expected.h"
#include "op_test.h"

namespace svd::test {
namespace {

class NormTest : public OpTest {
 protected:
  void check_group_norm(const Tensor& x, const NormValues& w, NormSpan span, Activation activation,
                        int64_t frame_bias_rows, double slack = 1) {
    SCOPED_TRACE(testing::Message() << x.shape().str() << (span == NormSpan::all_frames ? ", all frames" : "")
                                    << (activation == Activation::silu ? ", silu" : "") << ", rows of frame bias "
                                    << frame_bias_rows);
    const Array before = to_doubles(x);
    const Array frame_bias_values = random_array({frame_bias_rows, w.channels()}, 9, DType::f32);
    const Tensor frame_bias = make_f32(backend(), frame_bias_values);
    const Array biased = frame_bias_rows > 0 ? expected_with_frame_bias(before, frame_bias_values) : before;
    const Tensor y = backend().group_norm(
        x, packed(w),
        {.span = span, .activation = activation, .frame_bias = frame_bias_rows > 0 ? &frame_bias : nullptr});
    EXPECT_EQ(y.shape().str(), x.shape().str());
    expect_result(y, expected_group_norm(biased, w, span, activation), slack);
    EXPECT_EQ(to_doubles(x).values, before.values) << "the input was changed";
  }
};

TEST_P(NormTest, GroupNormShapes) {
  const Shape shapes[] = {{1, 1, 1, 64},   {2, 1, 2, 32},  {3, 3, 5, 64},   {1, 9, 16, 320},
                          {1, 17, 33, 32}, {14, 3, 5, 32}, {25, 1, 2, 640}, {2, 15, 64}};
  for (const Shape& shape : shapes) {
    const Tensor x = input(shape, 1);
    const NormValues w = make_norm(shape.back(), 2);
    for (const NormSpan span : {NormSpan::per_frame, NormSpan::all_frames}) {
      for (const Activation activation : {Activation::none, Activation::silu}) {
        // A group of two values, no real layer's, may hold two that are close together: few digits of them are left.
        const int64_t group_size = shape.rows() / shape[0] * shape.back() / kNormGroups;
        check_group_norm(x, w, span, activation, 0, group_size <= 2 ? 10 : 1);
      }
    }
  }
}

TEST_P(NormTest, GroupNormShift) {
  const Tensor x = input({3, 3, 5, 320}, 1);
  const NormValues w = make_norm(320, 2);
  for (const NormSpan span : {NormSpan::per_frame, NormSpan::all_frames}) {
    for (const int64_t rows : {1, 3}) check_group_norm(x, w, span, Activation::silu, rows);
  }
}

// Moments taken apart and given back are the norm's own; those of parts of the frames combine to those of all.
TEST_P(NormTest, GroupNormOfGivenMoments) {
  const NormValues w = make_norm(64, 2);
  const Tensor x = input({5, 3, 7, 64}, 1);
  const Array bias_values = random_array({5, 64}, 9, DType::f32);
  const Tensor bias = make_f32(backend(), bias_values);
  for (const NormSpan span : {NormSpan::per_frame, NormSpan::all_frames}) {
    const Tensor moments = backend().group_norm_moments(x, {.span = span, .frame_bias = &bias});
    EXPECT_EQ(moments.shape(), (Shape{span == NormSpan::all_frames ? 1 : 5, kNormGroups, 2}));
    const Tensor y = backend().group_norm(x, packed(w), {.span = span, .moments = &moments, .frame_bias = &bias});
    expect_result(y,
                  expected_group_norm(expected_with_frame_bias(to_doubles(x), bias_values), w, span, Activation::none));
  }
}

TEST_P(NormTest, GroupNormMomentsOfPartsCombine) {
  const Tensor x = input({5, 3, 7, 64}, 1);
  const Array whole = to_doubles(backend().group_norm_moments(x, {.span = NormSpan::all_frames}));
  const Array first = to_doubles(backend().group_norm_moments(x.frames(0, 2), {.span = NormSpan::all_frames}));
  const Array rest = to_doubles(backend().group_norm_moments(x.frames(2, 3), {.span = NormSpan::all_frames}));
  for (int64_t group = 0; group < kNormGroups; ++group) {
    const double a = first.at(0, group, 0), b = rest.at(0, group, 0), mean = 0.4 * a + 0.6 * b;
    const double variance = 0.4 * (first.at(0, group, 1) + (a - mean) * (a - mean)) +
                            0.6 * (rest.at(0, group, 1) + (b - mean) * (b - mean));
    EXPECT_NEAR(whole.at(0, group, 0), mean, 1e-6);
    EXPECT_NEAR(whole.at(0, group, 1), variance, 1e-6);
  }
}

TEST_P(NormTest, GroupNormEpsilonMatters) {
  const Tensor x = input({2, 3, 5, 32}, 1, 1e-3);  // a variance of 1e-6: both epsilons change much, and differently
  for (const float epsilon : {1e-5f, 1e-6f}) {
    check_group_norm(x, make_norm(32, 2, epsilon), NormSpan::per_frame, Activation::none, 0);
  }
}

// Of a constant nothing is left but beta, and rounding errors times 1 / sqrt(epsilon) = 316.
TEST_P(NormTest, GroupNormOfConstant) {
  Array constant(Shape{2, 9, 16, 64});
  for (double& v : constant.values) v = 3;
  const Tensor x = make_activation(backend(), constant);
  for (const NormSpan span : {NormSpan::per_frame, NormSpan::all_frames}) {
    check_group_norm(x, make_norm(64, 2), span, Activation::none, 0, 30);
  }
}

// Sums of squares minus squared sums would cancel.
TEST_P(NormTest, GroupNormWithLargeMean) {
  Array values = to_doubles(input({2, 9, 16, 64}, 1, 4));
  for (double& v : values.values) v = std::round(v) + 100;  // whole numbers below 128: bfloat16 holds them
  check_group_norm(make_activation(backend(), values), make_norm(64, 2), NormSpan::per_frame, Activation::none, 0, 10);
}

TEST_P(NormTest, LayerNorm) {
  for (const Shape& shape : {Shape{1, 1, 64}, Shape{2, 15, 320}, Shape{1, 257, 80}, Shape{3, 3, 5, 640}, Shape{5, 7},
                             Shape{1, 1030, 32}, Shape{14, 1, 2, 64}}) {
    SCOPED_TRACE(shape.str());
    const Tensor x = input(shape, 1);
    const NormValues w = make_norm(shape.back(), 2);
    const Tensor y = backend().layer_norm(x, packed(w));
    EXPECT_EQ(y.shape().str(), shape.str());
    expect_result(y, expected_layer_norm(to_doubles(x), w));
  }
}

// CLIP's class token is taken out in float32 before its last norm.
TEST_P(NormTest, LayerNormOfFloat32) {
  const NormValues w = make_norm(1280, 2);
  const Array x = random_array({1, 1280}, 1, DType::f32, 5);
  const Tensor y = backend().layer_norm(make_f32(backend(), x), packed(w));
  EXPECT_EQ(y.type(), DType::f32);
  EXPECT_EQ(y.shape().str(), x.shape.str());
  expect_close(to_doubles(y), expected_layer_norm(x, w), kFloat32Tolerance);
}

TEST_P(NormTest, LayerNormOfConstant) {
  Array constant(Shape{2, 3, 64});
  for (double& v : constant.values) v = -5;
  const NormValues w = make_norm(64, 2);
  expect_result(backend().layer_norm(make_activation(backend(), constant), packed(w)),
                expected_layer_norm(constant, w));
}

SVD_TEST_ALL_BACKENDS(NormTest);

}  // namespace
}  // namespace svd::test
