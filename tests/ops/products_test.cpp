#include <algorithm>
#include <cmath>
#include <vector>

#include "expected.h"
#include "op_test.h"

namespace svd::test {
namespace {

class ProductsTest : public OpTest {};

TEST_P(ProductsTest, LinearSizes) {
  struct Case {
    Shape x;
    int64_t out;
  };
  const Case cases[] = {
      {{1, 7}, 13},           {{2, 15, 7}, 13},  {{1, 1, 64}, 64},      {{3, 3, 5, 64}, 320}, {{2, 9, 16, 320}, 64},
      {{1, 257, 80}, 240},    {{1, 577, 32}, 7}, {{1, 1030, 64}, 64},   {{14, 1, 2, 64}, 64}, {{25, 15, 32}, 32},
      {{2, 1, 2, 640}, 1280}, {{1, 2, 2560}, 5}, {{1, 17, 33, 4}, 128},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.x.str() << " -> " << c.out);
    const Tensor x = input(c.x, 1);
    const Array matrix = weight({c.out, c.x.back()}, 2);
    const Array b = bias(c.out, 3);
    const RawWeight matrices[] = {raw(matrix)};
    const RawWeight biases[] = {raw(b)};
    const Tensor y = backend().linear(x, backend().pack_linear(matrices, biases));
    EXPECT_EQ(y.shape().rank(), c.x.rank());
    EXPECT_EQ(y.shape().back(), c.out);
    expect_result(y, expected_linear(to_doubles(x), matrix, b));
    expect_result(backend().linear(x, backend().pack_linear(matrices, {})), expected_linear(to_doubles(x), matrix, {}));
  }
}

TEST_P(ProductsTest, LinearStacked) {
  for (const bool with_biases : {false, true}) {
    for (const auto& outs : {std::vector<int64_t>{320, 320, 320}, {64, 64, 64}, {7, 13, 5}, {80, 80, 80}}) {
      const int64_t in = outs[0];
      const Tensor x = input({2, 15, in}, 1);
      std::vector<RawWeight> matrices, biases;
      Array stacked, stacked_bias;
      uint32_t seed = 10;
      int64_t total = 0;
      for (const int64_t out : outs) {
        const Array matrix = weight({out, in}, ++seed);
        const Array b = bias(out, ++seed);
        stacked.values.insert(stacked.values.end(), matrix.values.begin(), matrix.values.end());
        if (with_biases) stacked_bias.values.insert(stacked_bias.values.end(), b.values.begin(), b.values.end());
        matrices.push_back(raw(matrix));
        if (with_biases) biases.push_back(raw(b));
        total += out;
      }
      stacked.shape = {total, in};
      stacked_bias.shape = {total};
      const LinearWeights w = backend().pack_linear(matrices, biases);
      EXPECT_EQ(w.out_features, total);
      expect_result(backend().linear(x, w), expected_linear(to_doubles(x), stacked, stacked_bias));
    }
  }
}

// act(W LayerNorm(x) + b) + frame bias + residual, every part alone and all together.
TEST_P(ProductsTest, LinearOptions) {
  struct Case {
    bool norm;
    Activation activation;
    int64_t frame_bias_rows;
    bool residual;
  };
  const Case cases[] = {
      {true, Activation::none, 0, false},  {false, Activation::silu, 0, false}, {false, Activation::gelu, 0, false},
      {false, Activation::none, 1, false}, {false, Activation::none, 3, false}, {false, Activation::none, 0, true},
      {true, Activation::gelu, 0, false},  {true, Activation::none, 3, true},   {false, Activation::gelu, 1, true},
      {true, Activation::gelu, 3, true},
  };
  for (const Shape& shape : {Shape{3, 3, 5, 64}, Shape{3, 15, 320}, Shape{3, 7}}) {
    const int64_t in = shape.back(), out = in == 7 ? 13 : in;
    const Array matrix = weight({out, in}, 2);
    const Array b = bias(out, 3);
    const RawWeight matrices[] = {raw(matrix)};
    const RawWeight biases[] = {raw(b)};
    const LinearWeights w = backend().pack_linear(matrices, biases);
    const NormValues norm = make_norm(in, 4);
    const NormWeights norm_weights = packed(norm);
    for (const Case& c : cases) {
      SCOPED_TRACE(testing::Message() << shape.str() << ", norm " << c.norm << ", activation "
                                      << static_cast<int>(c.activation) << ", rows of frame bias " << c.frame_bias_rows
                                      << ", residual " << c.residual);
      const Tensor x = input(shape, 1);
      const Array x_before = to_doubles(x);
      Array expected = expected_linear(c.norm ? expected_layer_norm(x_before, norm) : x_before, matrix, b);
      for (double& v : expected.values) v = expected_activation(c.activation, v);
      expected.shape = {3, expected.shape[0] / 3, out};
      const Array frame_bias_values = random_array({c.frame_bias_rows, out}, 5, DType::f32);
      const Tensor frame_bias = make_f32(backend(), frame_bias_values);
      if (c.frame_bias_rows > 0) expected = expected_with_frame_bias(expected, frame_bias_values);
      const LinearOptions options{.layer_norm = c.norm ? &norm_weights : nullptr,
                                  .activation = c.activation,
                                  .frame_bias = c.frame_bias_rows > 0 ? &frame_bias : nullptr,
                                  .residual = {}};
      const auto with = [&](Operand residual) {
        return LinearOptions{options.layer_norm, options.activation, options.frame_bias, std::move(residual)};
      };
      if (!c.residual) {
        expect_result(backend().linear(x, w, with({})), expected);
      } else {
        Tensor residual = input(backend().linear(x, w).shape(), 6);
        const Array before = to_doubles(residual);
        expected = sum_of(expected, before);
        expect_result(backend().linear(x, w, with(residual)), expected);
        EXPECT_EQ(to_doubles(residual).values, before.values) << "a borrowed residual was changed";
        expect_result(backend().linear(x, w, with(std::move(residual))), expected);
      }
      EXPECT_EQ(to_doubles(x).values, x_before.values) << "the input was changed";
    }
  }
}

TEST_P(ProductsTest, LinearResidualMayBeTheInput) {
  const Tensor x = input({2, 15, 64}, 1);
  const Array matrix = weight({64, 64}, 2);
  const RawWeight matrices[] = {raw(matrix)};
  const Array before = to_doubles(x);
  const Tensor y = backend().linear(x, backend().pack_linear(matrices, {}), {.residual = x});
  expect_result(y, sum_of(expected_linear(before, matrix, {}), before));
  EXPECT_EQ(to_doubles(x).values, before.values);
}

TEST_P(ProductsTest, LinearBFloat16CheckpointGivesTheSameResult) {
  const Tensor x = input({2, 15, 64}, 1);
  const Array matrix = random_array({32, 64}, 2, DType::bf16, 0.1);
  const RawWeight as_f32[] = {raws_.f32(matrix)};
  const RawWeight as_bf16[] = {raws_.bf16(matrix)};
  EXPECT_EQ(to_doubles(backend().linear(x, backend().pack_linear(as_f32, {}))).values,
            to_doubles(backend().linear(x, backend().pack_linear(as_bf16, {}))).values);
}

// Time embeddings and contexts stay in float32 in every backend; the matrix may be kept in 16 bits.
TEST_P(ProductsTest, VectorLinear) {
  struct Case {
    int64_t rows, in, out;
    Activation activation = Activation::none;
    bool bias = true;
    bool residual = false;
  };
  const Case cases[] = {
      {1, 320, 1280, Activation::silu},         {1, 768, 1280},
      {14, 64, 256, Activation::silu},          {25, 7, 13},
      {1, 1024, 320, Activation::none, false},  {3, 1280, 320, Activation::none, true, true},
      {2, 33, 5, Activation::silu, true, true}, {1, 1, 1},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.rows << " x " << c.in << " -> " << c.out);
    const Array x = random_array({c.rows, c.in}, 1, DType::f32);
    const Array matrix = weight({c.out, c.in}, 2);
    const Array b = c.bias ? bias(c.out, 3) : Array();
    const Array residual = random_array({c.rows, c.out}, 4, DType::f32);
    const RawWeight raw_bias = c.bias ? raw(b) : RawWeight();
    const VectorLinearWeights w = backend().pack_vector_linear(raw(matrix), c.bias ? &raw_bias : nullptr);
    const Tensor residual_tensor = make_f32(backend(), residual);
    const VectorLinearOptions options{.residual = c.residual ? &residual_tensor : nullptr, .activation = c.activation};

    Array expected = expected_linear(x, matrix, b);
    if (c.residual) expected = sum_of(expected, residual);
    for (double& v : expected.values) v = expected_activation(c.activation, v);
    const Tensor y = backend().vector_linear(make_f32(backend(), x), w, options);
    EXPECT_EQ(y.type(), DType::f32);
    EXPECT_EQ(y.shape().str(), expected.shape.str());
    expect_close(to_doubles(y), expected, kFloat32Tolerance);
  }
}

// Weights may come as float16, and with a scale for each output.
TEST_P(ProductsTest, WeightsOfEveryTypeAndWithScales) {
  const Array x = random_array({3, 64}, 1, DType::f32);
  const Tensor rows = input({2, 5, 64}, 2);
  const Array rows_before = to_doubles(rows);
  const Array matrix = random_array({32, 64}, 3, DType::f16, 0.125), bias_values = bias(32, 4);
  Array scales = random_array({32}, 5, DType::bf16);
  for (double& s : scales.values) s = std::exp2(std::round(2 * s));  // powers of two: nothing is rounded by them
  const std::vector<float> scale_values(scales.values.begin(), scales.values.end());
  Array scaled = matrix;
  for (int64_t row = 0; row < 32; ++row) {
    for (int64_t column = 0; column < 64; ++column) scaled.at(row, column) *= scales.at(row);
  }
  for (const RawWeight& stored : {raws_.f32(matrix), raws_.f16(matrix)}) {
    for (const bool with_scales : {false, true}) {
      SCOPED_TRACE(testing::Message() << name_of(stored.type) << (with_scales ? " with scales" : ""));
      RawWeight weight = stored;
      if (with_scales) weight.scales = scale_values;
      const Array& values = with_scales ? scaled : matrix;
      const RawWeight b = raw(bias_values);
      const LinearWeights linear = backend().pack_linear({&weight, 1}, {&b, 1});
      expect_result(backend().linear(rows, linear), expected_linear(rows_before, values, bias_values), 1.5);
      const VectorLinearWeights vector = backend().pack_vector_linear(weight, &b);
      // The matrix is rounded to the packed type, the rows are not.
      expect_close(to_doubles(backend().vector_linear(make_f32(backend(), x), vector)),
                   expected_linear(x, values, bias_values), backend().numerics().weights == DType::f32 ? 1e-5 : 4e-3);
    }
  }
}

// Parts of one stack may come in different types.
TEST_P(ProductsTest, StackOfDifferentTypes) {
  const Tensor x = input({2, 5, 32}, 1);
  const Array first = weight({16, 32}, 2), second = weight({24, 32}, 3);
  const RawWeight matrices[] = {raws_.f32(first), raws_.bf16(second)};
  Array both(Shape{40, 32});
  std::ranges::copy(first.values, both.values.begin());
  for (size_t i = 0; i < second.values.size(); ++i) {
    both.values[first.values.size() + i] = to_f32(to_bf16(static_cast<float>(second.values[i])));
  }
  const LinearWeights w = backend().pack_linear(matrices, {});
  expect_result(backend().linear(x, w), expected_linear(to_doubles(x), both, {}));
}

TEST_P(ProductsTest, FeedForward) {
  struct Case {
    Shape x;
    int64_t inner;
    int64_t frame_bias_rows = 0;
    bool blend = false;
    bool consumed = false;
  };
  const Case cases[] = {
      {{1, 1, 64}, 256},
      {{2, 9, 16, 64}, 256},
      {{1, 577, 64}, 256, 0, false, true},
      {{3, 3, 5, 64}, 256, 1},
      {{3, 3, 5, 64}, 256, 3},
      {{3, 3, 5, 64}, 256, 0, true},
      {{3, 3, 5, 64}, 256, 3, true},
      {{3, 3, 5, 64}, 256, 3, true, true},
      {{3, 3, 5, 64}, 256, 3, false, true},
      {{14, 1, 2, 320}, 1280, 14},
      {{1, 3, 5, 320}, 1280, 0, true, true},
      {{2, 15, 32}, 31, 2},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.x.str() << " through " << c.inner << ", rows of frame bias "
                                    << c.frame_bias_rows << ", blend " << c.blend << ", consumed " << c.consumed);
    const int64_t width = c.x.back();
    Tensor x = input(c.x, 1);
    const Tensor other = input(c.x, 2);
    const Array x_before = to_doubles(x), other_before = to_doubles(other);
    const Array w1 = weight({2 * c.inner, width}, 3), w2 = weight({width, c.inner}, 5);
    const Array b1 = bias(2 * c.inner, 4), b2 = bias(width, 6);
    const NormValues norm = make_norm(width, 7);
    const Array frame_bias_values = random_array({c.frame_bias_rows, width}, 9, DType::f32);
    const Tensor frame_bias = make_f32(backend(), frame_bias_values);
    const FeedForwardWeights w = backend().pack_feed_forward(packed(norm), raw(w1), raw(b1), raw(w2), raw(b2));

    const Array z = c.frame_bias_rows > 0 ? expected_with_frame_bias(x_before, frame_bias_values) : x_before;
    Array expected = expected_feed_forward(z, norm, w1, b1, w2, b2);
    if (c.blend) {
      for (size_t i = 0; i < expected.values.size(); ++i) {
        expected.values[i] = 0.3f * other_before.values[i] + (1 - 0.3f) * expected.values[i];
      }
    }
    const FeedForwardOptions options{.frame_bias = c.frame_bias_rows > 0 ? &frame_bias : nullptr,
                                     .blend = {.other = c.blend ? &other : nullptr, .weight = 0.3f}};
    const Tensor y =
        c.consumed ? backend().feed_forward(std::move(x), w, options) : backend().feed_forward(x, w, options);
    EXPECT_EQ(y.shape().str(), c.x.str());
    expect_result(y, expected);
    if (!c.consumed) {
      EXPECT_EQ(to_doubles(x).values, x_before.values) << "a borrowed input was changed";
    }
    EXPECT_EQ(to_doubles(other).values, other_before.values) << "the tensor to blend with was changed";
  }
}

// The spatial block's output is borrowed as x and blended in again.
TEST_P(ProductsTest, FeedForwardBlendsWithItsInput) {
  const Tensor x = input({2, 15, 64}, 1);
  const Array before = to_doubles(x);
  const Array w1 = weight({512, 64}, 3), b1 = bias(512, 4), w2 = weight({64, 256}, 5), b2 = bias(64, 6);
  const NormValues norm = make_norm(64, 7);
  const FeedForwardWeights w = backend().pack_feed_forward(packed(norm), raw(w1), raw(b1), raw(w2), raw(b2));
  Array expected = expected_feed_forward(before, norm, w1, b1, w2, b2);
  for (size_t i = 0; i < expected.values.size(); ++i) {
    expected.values[i] = 0.75 * before.values[i] + 0.25 * expected.values[i];
  }
  expect_result(backend().feed_forward(x, w, {.frame_bias = nullptr, .blend = {.other = &x, .weight = 0.75f}}),
                expected);
  EXPECT_EQ(to_doubles(x).values, before.values);
}

SVD_TEST_ALL_BACKENDS(ProductsTest);

}  // namespace
}  // namespace svd::test
