// Operations at the sizes of real videos, where results are written past the caches, every thread has many tiles and
// the last tile of each kind is smaller: the cpu backend against the reference backend.
#include <algorithm>
#include <cmath>
#include <functional>

#include "op_test.h"

namespace svd::test {
namespace {

class LargeTest : public OpTest {
 protected:
  // Runs the operation on both backends; `operation` makes its inputs by itself, which are the same on both.
  void check(const std::function<Tensor(Backend&)>& operation) {
    if (std::ranges::find(registered_backends(), DeviceKind::reference, &BackendEntry::device) ==
        registered_backends().end()) {
      GTEST_SKIP() << "this build has no reference backend";
    }
    const std::unique_ptr<Backend> reference = make_backend({.device = DeviceKind::reference, .threads = 2});
    const Tensor found = operation(backend()), expected = operation(*reference);
    ASSERT_EQ(found.shape(), expected.shape());
    expect_same(backend().download(found), reference->download(expected), found.shape());
  }

  void expect_same(const std::vector<float>& found, const std::vector<float>& expected, const Shape& shape) {
    const double tolerance = GetParam().tolerance;
    double squares = 0, norm = 0, largest_error = 0, largest = 0;
    size_t worst = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const double e = expected[i], error = std::abs(found[i] - e);
      ASSERT_TRUE(std::isfinite(error)) << "element " << i << " is " << found[i];
      squares += error * error;
      norm += e * e;
      largest = std::max(largest, std::abs(e));
      if (error <= largest_error) continue;
      largest_error = error;
      worst = i;
    }
    EXPECT_LE(std::sqrt(squares), tolerance * std::sqrt(norm));
    EXPECT_LE(largest_error, 4 * tolerance * largest) << "element " << worst << " of " << shape.str() << ": expected "
                                                      << expected[worst] << ", found " << found[worst];
  }

  // Of the tested backend's type, on either backend.
  Tensor values(Backend& b, const Shape& shape, uint32_t seed) {
    return make_activation(b, random_array(shape, seed, backend().numerics().activations));
  }
};

// More than 32 MiB of bfloat16, in rows of whole cache lines: what PanelResult::streams() asks for.
constexpr int64_t kStreamedElements = int64_t{1} << 24;

TEST_P(LargeTest, Conv2d) {
  const Array kernel = weight({64, 4, 3, 3}, 2), b = bias(64, 3);
  const RawWeight raw_bias = raw(b);
  check([&](Backend& on) {
    const Conv2dWeights w = on.pack_conv2d({.in_channels = 4, .out_channels = 64}, raw(kernel), &raw_bias);
    const Tensor residual = values(on, {3, 171, 515, 64}, 4);
    EXPECT_GT(residual.shape().numel(), kStreamedElements);
    return on.conv2d(values(on, {3, 171, 515, 4}, 1), w, {.residual = residual});
  });
}

// Frames of 61 x 259 are no whole number of tiles, and 96 channels are one panel and a half.
TEST_P(LargeTest, Conv2dUpsample) {
  const Array kernel = weight({96, 8, 3, 3}, 2), b = bias(96, 3);
  const RawWeight raw_bias = raw(b);
  check([&](Backend& on) {
    const Conv2dWeights w =
        on.pack_conv2d({.in_channels = 8, .out_channels = 96, .upsample = true}, raw(kernel), &raw_bias);
    Tensor y = on.conv2d(values(on, {3, 61, 259, 8}, 1), w);
    EXPECT_GT(y.shape().numel(), kStreamedElements);
    return y;
  });
}

// In float32 the doubled frames are held two at a time: two, two and one.
TEST_P(LargeTest, Conv2dUpsampleOfLargeFrames) {
  if (backend().fuses_norms()) GTEST_SKIP() << "the kernels of bf16 hold no doubled frames";
  const Array kernel = weight({3, 64, 3, 3}, 2), b = bias(3, 3);
  const RawWeight raw_bias = raw(b);
  check([&](Backend& on) {
    const Conv2dWeights w =
        on.pack_conv2d({.in_channels = 64, .out_channels = 3, .upsample = true}, raw(kernel), &raw_bias);
    return on.conv2d(values(on, {5, 160, 170, 64}, 1), w);
  });
}

TEST_P(LargeTest, TemporalConv) {
  const Array kernel = weight({64, 4, 3, 1, 1}, 2), b = bias(64, 3);
  check([&](Backend& on) {
    const TemporalConvWeights w = on.pack_temporal_conv(raw(kernel), raw(b), 0.5f);
    Tensor y = on.temporal_conv(values(on, {9, 57, 519, 4}, 1), w);
    EXPECT_GT(y.shape().numel(), kStreamedElements);
    return y;
  });
}

TEST_P(LargeTest, LinearWithABiasPerFrame) {
  const Array matrix = weight({64, 8}, 2), b = bias(64, 3);
  const Array frame_bias = random_array({3, 64}, 5, DType::f32);
  check([&](Backend& on) {
    const RawWeight matrices[] = {raw(matrix)};
    const RawWeight biases[] = {raw(b)};
    const Tensor rows = make_f32(on, frame_bias);
    Tensor y = on.linear(values(on, {3, 173, 517, 8}, 1), on.pack_linear(matrices, biases), {.frame_bias = &rows});
    EXPECT_GT(y.shape().numel(), kStreamedElements);
    return y;
  });
}

TEST_P(LargeTest, AttentionOfAThousandTokens) {
  check([&](Backend& on) { return on.attention(values(on, {3, 23, 45, 3 * 128}, 1), 2); });
}

TEST_P(LargeTest, TemporalAttentionOf25Frames) {
  check([&](Backend& on) { return on.temporal_attention(values(on, {25, 37, 43, 3 * 64}, 1), 1); });
}

TEST_P(LargeTest, GroupNormOfAllFrames) {
  const NormValues values_of_norm = make_norm(64, 5);
  check([&](Backend& on) {
    const NormWeights norm = pack_norm(on, raws_, values_of_norm);
    return on.group_norm(values(on, {14, 72, 64, 64}, 1), norm,
                         {.span = NormSpan::all_frames, .activation = Activation::silu});
  });
}

// The reference backend would take long; but nothing is streamed in the halves.
TEST_P(LargeTest, FeedForwardIsThatOfItsHalves) {
  constexpr int64_t kRows = 131'077, kWidth = 64, kInner = 4 * kWidth;
  if (backend().numerics().activations != DType::bf16) GTEST_SKIP() << "only bf16 results are streamed";
  const Array w1 = weight({2 * kInner, kWidth}, 2), b1 = bias(2 * kInner, 3);
  const Array w2 = weight({kWidth, kInner}, 4), b2 = bias(kWidth, 5);
  const FeedForwardWeights w =
      backend().pack_feed_forward(packed(make_norm(kWidth, 6)), raw(w1), raw(b1), raw(w2), raw(b2));
  const Tensor x = values(backend(), {2, kRows, kWidth}, 1);
  const Tensor whole = backend().feed_forward(x, w);
  EXPECT_GT(whole.shape().numel(), kStreamedElements);
  Tensor halves = backend().allocate(x.shape(), x.type());
  for (int64_t half = 0; half < 2; ++half) {
    backend().place_frames(backend().feed_forward(x.frames(half, 1).get(), w), half, halves);
  }
  expect_same(backend().download(whole), backend().download(halves), x.shape());
}

// Not named after the cpu backend, so that the runs with a forced instruction set leave them out.
std::vector<BackendCase> compared_backends() {
  std::vector<BackendCase> cases = backend_cases();
  std::erase_if(cases, [](const BackendCase& c) { return c.name != "cpu/f32/3threads" && c.name != "cpu/bf16"; });
  for (BackendCase& c : cases) c.name = c.name.substr(4);
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Backends, LargeTest, testing::ValuesIn(compared_backends()), test_name);

}  // namespace
}  // namespace svd::test
