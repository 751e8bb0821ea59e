#include <gmock/gmock.h>

#include "op_test.h"
#include "support/message_of.h"

namespace svd::test {
namespace {

class EdgesTest : public OpTest {};

TEST_P(EdgesTest, ToChannelsLast) {
  for (const Shape& shape : {Shape{1, 3, 1, 1}, Shape{2, 4, 1, 2}, Shape{3, 8, 9, 16}, Shape{1, 3, 17, 33}}) {
    SCOPED_TRACE(shape.str());
    const Array planar = random_array(shape, 1, DType::f32);
    Array expected(Shape{shape[0], shape[2], shape[3], shape[1]});
    for (int64_t n = 0; n < shape[0]; ++n) {
      for (int64_t c = 0; c < shape[1]; ++c) {
        for (int64_t i = 0; i < shape[2]; ++i) {
          for (int64_t j = 0; j < shape[3]; ++j) expected.at(n, i, j, c) = planar.at(n, c, i, j);
        }
      }
    }
    const Tensor y = backend().to_channels_last(make_f32(backend(), planar));
    EXPECT_EQ(y.shape().str(), expected.shape.str());
    EXPECT_EQ(y.type(), backend().numerics().activations);
    // The only arithmetic is rounding to the element type, to nearest.
    EXPECT_EQ(to_doubles(y).values, to_doubles(make_activation(backend(), expected)).values);
  }
}

TEST_P(EdgesTest, ToPlanar) {
  for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{2, 1, 2, 4}, Shape{3, 9, 16, 8}, Shape{1, 17, 33, 3}}) {
    SCOPED_TRACE(shape.str());
    const Tensor x = input(shape, 1);
    const Array values = to_doubles(x);
    Array expected(Shape{shape[0], shape[3], shape[1], shape[2]});
    for (int64_t n = 0; n < shape[0]; ++n) {
      for (int64_t c = 0; c < shape[3]; ++c) {
        for (int64_t i = 0; i < shape[1]; ++i) {
          for (int64_t j = 0; j < shape[2]; ++j) expected.at(n, c, i, j) = values.at(n, i, j, c);
        }
      }
    }
    const Tensor y = backend().to_planar(x);
    EXPECT_EQ(y.shape().str(), expected.shape.str());
    EXPECT_EQ(y.type(), DType::f32);
    EXPECT_EQ(to_doubles(y).values, expected.values);
  }
}

TEST_P(EdgesTest, EmbedTokens) {
  for (const int64_t grid : {1, 2, 16}) {
    const int64_t tokens = 1 + grid * grid, channels = 80;
    const Tensor patches = input({1, grid, grid, channels}, 1);
    const Array patch_rows = to_doubles(patches).as_matrix();
    const Array class_embedding = random_array({channels}, 2, DType::f32);
    const Array positions = random_array({tokens, channels}, 3, DType::f32);
    Array expected = positions;
    expected.shape = {1, tokens, channels};
    for (int64_t i = 0; i < tokens; ++i) {
      for (int64_t c = 0; c < channels; ++c) {
        expected.at(0, i, c) += i == 0 ? class_embedding.at(c) : patch_rows.at(i - 1, c);
      }
    }
    const Tensor y =
        backend().embed_tokens(patches, make_f32(backend(), class_embedding), make_f32(backend(), positions));
    EXPECT_EQ(y.shape().str(), expected.shape.str());
    expect_result(y, expected);
  }
}

TEST_P(EdgesTest, FirstToken) {
  const Tensor x = input({1, 257, 80}, 1);
  const Tensor y = backend().first_token(x);
  EXPECT_EQ(y.type(), DType::f32);
  EXPECT_EQ(y.shape().str(), "[1, 80]");
  const Array values = to_doubles(x);
  EXPECT_EQ(to_doubles(y).values, std::vector<double>(values.values.begin(), values.values.begin() + 80));
}

TEST_P(EdgesTest, FramesAreViewedAndPlaced) {
  const Tensor x = input({5, 3, 7}, 1);
  const Array values = to_doubles(x);
  Tensor whole = input({5, 3, 7}, 2);
  const Array before = to_doubles(whole);
  backend().place_frames(x.frames(1, 2), 3, whole);  // frames 1 and 2 become 3 and 4
  const Array after = to_doubles(whole);
  for (size_t i = 0; i < after.values.size(); ++i) {
    ASSERT_EQ(after.values[i], i < 3 * 21 ? before.values[i] : values.values[i - 2 * 21]) << "element " << i;
  }
  EXPECT_EQ(x.frames(4, 1).get().shape().str(), "[1, 3, 7]");
  EXPECT_THAT(message_of(ErrorCode::internal, [&] { (void)x.frames(4, 2); }), testing::HasSubstr("entries 4 to 6"));
  EXPECT_THAT(message_of(ErrorCode::internal, [&] { backend().place_frames(x.frames(0, 3), 3, whole); }),
              testing::HasSubstr("entries from 3 on of [5, 3, 7]"));
}

TEST_P(EdgesTest, ConcatChannels) {
  struct Case {
    Shape a;
    int64_t b_channels;
  };
  for (const Case& c :
       {Case{{1, 1, 1, 4}, 4}, Case{{3, 3, 5, 320}, 640}, Case{{2, 9, 16, 3}, 8}, Case{{2, 15, 64}, 7}}) {
    SCOPED_TRACE(testing::Message() << c.a.str() << " + " << c.b_channels);
    const Tensor a = input(c.a, 1);
    const Array a_rows = to_doubles(a).as_matrix();
    Array b_values = random_array({c.a.rows(), c.b_channels}, 2, backend().numerics().activations);
    b_values.shape =
        c.a.rank() == 4 ? Shape{c.a[0], c.a[1], c.a[2], c.b_channels} : Shape{c.a[0], c.a[1], c.b_channels};
    const Tensor y = backend().concat_channels(a, make_activation(backend(), b_values));
    EXPECT_EQ(y.shape().rank(), c.a.rank());
    EXPECT_EQ(y.shape().back(), c.a.back() + c.b_channels);
    const Array rows = to_doubles(y).as_matrix(), b_rows = b_values.as_matrix();
    for (int64_t r = 0; r < rows.shape[0]; ++r) {
      for (int64_t i = 0; i < rows.shape[1]; ++i) {
        const double expected = i < c.a.back() ? a_rows.at(r, i) : b_rows.at(r, i - c.a.back());
        ASSERT_EQ(rows.at(r, i), expected) << "row " << r << ", channel " << i;
      }
    }
  }
}

SVD_TEST_ALL_BACKENDS(EdgesTest);

}  // namespace
}  // namespace svd::test
