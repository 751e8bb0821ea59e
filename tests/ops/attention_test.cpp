#include "expected.h"
#include "op_test.h"

namespace svd::test {
namespace {

constexpr int64_t kUNetHead = 64;
constexpr int64_t kClipHead = 80;

class AttentionTest : public OpTest {
 protected:
  // qkv [frames, tokens, 3C]
  void check_attention(const Tensor& qkv, int64_t heads, double slack = 1) {
    SCOPED_TRACE(testing::Message() << "attention " << qkv.shape().str() << ", " << heads << " heads");
    const Array before = to_doubles(qkv);
    expect_result(backend().attention(qkv, heads), expected_attention(before, heads), slack);
    EXPECT_EQ(to_doubles(qkv).values, before.values) << "the input was changed";
  }
  void check_temporal_attention(const Tensor& qkv, int64_t heads, double slack = 1) {
    SCOPED_TRACE(testing::Message() << "temporal attention " << qkv.shape().str() << ", " << heads << " heads");
    const Array before = to_doubles(qkv);
    expect_result(backend().temporal_attention(qkv, heads), expected_temporal_attention(before, heads), slack);
    EXPECT_EQ(to_doubles(qkv).values, before.values) << "the input was changed";
  }
};

TEST_P(AttentionTest, Attention) {
  struct Case {
    int64_t frames, tokens, heads, width;
  };
  const Case cases[] = {
      {1, 1, 1, kUNetHead},   {2, 2, 1, kUNetHead},   {3, 15, 5, kUNetHead},  {1, 144, 5, kUNetHead},
      {2, 144, 2, kUNetHead}, {1, 257, 2, kClipHead}, {1, 577, 1, kUNetHead}, {1, 1030, 1, kUNetHead},
      {14, 2, 1, kUNetHead},  {25, 1, 1, kUNetHead},  {1, 15, 16, kClipHead}, {1, 15, 1, 32},
      {2, 144, 1, 32},        {1, 257, 1, 512},       {1, 2, 1, 512},
  };
  for (const Case& c : cases) {
    check_attention(input({c.frames, c.tokens, 3 * c.heads * c.width}, 1), c.heads);
  }
}

TEST_P(AttentionTest, TemporalAttention) {
  for (const int64_t frames : {1, 2, 3, 14, 25}) {
    for (const int64_t positions : {1, 2, 15, 144}) {
      for (const int64_t heads : {1, 5}) {
        check_temporal_attention(input({frames, positions, 3 * heads * kUNetHead}, 1), heads);
      }
    }
  }
}

// A picture is its own token matrix.
TEST_P(AttentionTest, PicturesKeepTheirShape) {
  const Array values = random_array({3, 15, 3 * 64}, 1, backend().numerics().activations);
  Array picture = values;
  picture.shape = {3, 3, 5, 3 * 64};
  const Tensor x = make_activation(backend(), picture);
  const Tensor spatial = backend().attention(x, 1);
  EXPECT_EQ(spatial.shape().str(), "[3, 3, 5, 64]");
  expect_result(spatial, expected_attention(values, 1));
  const Tensor temporal = backend().temporal_attention(x, 1);
  EXPECT_EQ(temporal.shape().str(), "[3, 3, 5, 64]");
  expect_result(temporal, expected_temporal_attention(values, 1));
}

// Equal queries, keys and values: the answer is the value, exactly weighted.
TEST_P(AttentionTest, ConstantInput) {
  Array constant(Shape{2, 144, 3 * 2 * 64});
  for (double& v : constant.values) v = 1.5;
  check_attention(make_activation(backend(), constant), 2);
  check_temporal_attention(make_activation(backend(), constant), 2);
}

// Logits of some dozens: exp() would not overflow yet, but the weights span many orders of magnitude.
TEST_P(AttentionTest, LargeLogits) {
  check_attention(input({1, 257, 3 * 2 * kUNetHead}, 1, 5), 2, 5);
  check_temporal_attention(input({14, 15, 3 * kUNetHead}, 1, 5), 1, 5);
}

// Logits of tens of thousands: exp() of them is infinite in float32. One key wins; queries that equal their own key,
// scaled up, make it certain which.
TEST_P(AttentionTest, HugeLogitsDoNotOverflow) {
  for (const double sign : {1.0, -1.0}) {
    Array qkv = random_array({2, 14, 3 * kUNetHead}, 1, backend().numerics().activations, 64);
    for (int64_t t = 0; t < 2; ++t) {
      for (int64_t i = 0; i < 14; ++i) {
        for (int64_t c = 0; c < kUNetHead; ++c) qkv.at(t, i, kUNetHead + c) = sign * qkv.at(t, i, c);
      }
    }
    check_attention(make_activation(backend(), qkv), 1, 5);
    check_temporal_attention(make_activation(backend(), qkv), 1, 5);
  }
}

SVD_TEST_ALL_BACKENDS(AttentionTest);

}  // namespace
}  // namespace svd::test
