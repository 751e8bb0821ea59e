// The checks that Backend makes for every implementation, and what it tells an observer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "op_test.h"
#include "svd/error.h"

namespace svd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ChecksTest : public testing::Test {
 protected:
  Tensor zeros(const Shape& shape) { return make_f32(*backend_, Array(shape)); }
  RawWeight raw(const Shape& shape) { return raws_.f32(Array(shape)); }

  Conv2dWeights conv2d_weights(const Conv2dSpec& spec) {
    return backend_->pack_conv2d(spec, raw({spec.out_channels, spec.in_channels, spec.kernel, spec.kernel}), nullptr);
  }
  NormWeights norm(int64_t channels) { return pack_norm(*backend_, raws_, make_norm(channels, 1)); }
  LinearWeights linear_weights(int64_t in, int64_t out) {
    const RawWeight matrices[] = {raw({out, in})};
    return backend_->pack_linear(matrices, {});
  }
  FeedForwardWeights feed_forward_weights(int64_t width, int64_t inner) {
    return backend_->pack_feed_forward(norm(width), raw({2 * inner, width}), raw({2 * inner}), raw({width, inner}),
                                       raw({width}));
  }

  // The message of the Error that call() throws.
  template <typename Call>
  static std::string error_of(const Call& call) {
    try {
      call();
    } catch (const Error& e) {
      return e.what();
    }
    ADD_FAILURE() << "no error was thrown";
    return "";
  }

  std::unique_ptr<Backend> backend_ =
      make_backend({.device = DeviceKind::cpu, .precision = Precision::f32, .threads = 1});
  RawStore raws_;
};

TEST_F(ChecksTest, Convolutions) {
  const Conv2dWeights w = conv2d_weights({.in_channels = 4, .out_channels = 32});
  EXPECT_THAT(error_of([&] {
                backend_->conv2d(zeros({1, 3, 5, 8}), w);
              }),
              AllOf(HasSubstr("conv2d"), HasSubstr("4 channels"), HasSubstr("[1, 3, 5, 8]")));
  EXPECT_THAT(error_of([&] {
                backend_->conv2d(zeros({1, 15, 4}), w);
              }),
              AllOf(HasSubstr("conv2d"), HasSubstr("[1, 15, 4]")));
  EXPECT_THAT(error_of([&] {
                backend_->conv2d(zeros({1, 3, 5, 4}), w, {.residual = zeros({1, 3, 5, 4})});
              }),
              AllOf(HasSubstr("conv2d"), HasSubstr("[1, 3, 5, 32]"), HasSubstr("[1, 3, 5, 4]")));
  const Conv2dWeights patches = conv2d_weights(
      {.in_channels = 3, .out_channels = 32, .kernel = 14, .stride = 14, .pad_before = 0, .pad_after = 0});
  EXPECT_THAT(error_of([&] {
                backend_->conv2d(zeros({1, 13, 14, 3}), patches);
              }),
              AllOf(HasSubstr("conv2d"), HasSubstr("14x14"), HasSubstr("[1, 13, 14, 3]")));

  const TemporalConvWeights t = backend_->pack_temporal_conv(raw({32, 8, 3, 1, 1}), raw({32}), 1);
  EXPECT_THAT(error_of([&] {
                backend_->temporal_conv(zeros({2, 3, 5, 4}), t);
              }),
              AllOf(HasSubstr("temporal_conv"), HasSubstr("8 channels"), HasSubstr("[2, 3, 5, 4]")));
}

TEST_F(ChecksTest, Products) {
  const LinearWeights w = linear_weights(7, 13);
  EXPECT_THAT(error_of([&] {
                backend_->linear(zeros({2, 5, 8}), w);
              }),
              AllOf(HasSubstr("linear"), HasSubstr("7 channels"), HasSubstr("[2, 5, 8]")));
  const NormWeights norm_of_8 = norm(8);
  EXPECT_THAT(error_of([&] {
                backend_->linear(zeros({2, 5, 7}), w, {.layer_norm = &norm_of_8, .residual = {}});
              }),
              AllOf(HasSubstr("layer norm"), HasSubstr("8 channels"), HasSubstr("[2, 5, 7]")));
  const Tensor frame_bias = zeros({3, 13});
  EXPECT_THAT(error_of([&] {
                backend_->linear(zeros({2, 5, 7}), w, {.frame_bias = &frame_bias, .residual = {}});
              }),
              AllOf(HasSubstr("linear"), HasSubstr("[1 or 2, 13]"), HasSubstr("[3, 13]")));
  EXPECT_THAT(error_of([&] {
                backend_->linear(zeros({2, 5, 7}), w, {.residual = zeros({2, 5, 7})});
              }),
              AllOf(HasSubstr("linear"), HasSubstr("[2, 5, 13]"), HasSubstr("[2, 5, 7]")));

  const VectorLinearWeights v = backend_->pack_vector_linear(raw({13, 7}), nullptr);
  EXPECT_THAT(error_of([&] {
                backend_->vector_linear(zeros({1, 8}), v);
              }),
              AllOf(HasSubstr("vector_linear"), HasSubstr("7 channels"), HasSubstr("[1, 8]")));

  const FeedForwardWeights f = feed_forward_weights(64, 256);
  EXPECT_THAT(error_of([&] {
                backend_->feed_forward(zeros({2, 5, 32}), f);
              }),
              AllOf(HasSubstr("feed_forward"), HasSubstr("64 channels"), HasSubstr("[2, 5, 32]")));
  const Tensor other = zeros({2, 6, 64});
  EXPECT_THAT(error_of([&] {
                backend_->feed_forward(zeros({2, 5, 64}), f,
                                       {.frame_bias = nullptr, .blend = {.other = &other, .weight = 0.5f}});
              }),
              AllOf(HasSubstr("feed_forward"), HasSubstr("[2, 5, 64]"), HasSubstr("[2, 6, 64]")));
}

TEST_F(ChecksTest, Norms) {
  EXPECT_THAT(error_of([&] {
                backend_->group_norm(zeros({2, 3, 5, 64}), norm(32));
              }),
              AllOf(HasSubstr("group_norm"), HasSubstr("32 channels"), HasSubstr("[2, 3, 5, 64]")));
  EXPECT_THAT(error_of([&] {
                backend_->group_norm(zeros({2, 3, 5, 48}), norm(48));
              }),
              AllOf(HasSubstr("group_norm"), HasSubstr("32 groups"), HasSubstr("[2, 3, 5, 48]")));
  EXPECT_THAT(error_of([&] {
                backend_->layer_norm(zeros({2, 3, 64}), norm(32));
              }),
              AllOf(HasSubstr("layer_norm"), HasSubstr("32 channels"), HasSubstr("[2, 3, 64]")));
}

TEST_F(ChecksTest, AttentionAndRearrangement) {
  EXPECT_THAT(error_of([&] {
                backend_->attention(zeros({1, 15, 200}), 1);
              }),
              AllOf(HasSubstr("attention"), HasSubstr("1 heads"), HasSubstr("[1, 15, 200]")));
  EXPECT_THAT(error_of([&] { backend_->temporal_attention(zeros({1, 15, 192}), 0); }), HasSubstr("temporal_attention"));
  EXPECT_THAT(error_of([&] {
                backend_->concat_channels(zeros({1, 3, 5, 4}), zeros({1, 5, 3, 4}));
              }),
              AllOf(HasSubstr("concat_channels"), HasSubstr("[1, 3, 5, 4]"), HasSubstr("[1, 5, 3, 4]")));
  EXPECT_THAT(error_of([&] {
                backend_->to_channels_last(zeros({3, 5, 4}));
              }),
              AllOf(HasSubstr("to_channels_last"), HasSubstr("[3, 5, 4]")));
}

TEST_F(ChecksTest, ElementTypes) {
  const Tensor bf16_input = backend_->allocate({1, 3, 5, 32}, DType::bf16);
  EXPECT_THAT(error_of([&] { backend_->group_norm(bf16_input, norm(32)); }),
              AllOf(HasSubstr("group_norm"), HasSubstr("f32"), HasSubstr("bf16")));
}

TEST_F(ChecksTest, Weights) {
  EXPECT_THAT(error_of([&] {
                backend_->pack_conv2d({.in_channels = 4, .out_channels = 32}, raw({32, 4, 1, 1}), nullptr);
              }),
              AllOf(HasSubstr("conv2d"), HasSubstr("[32, 4, 3, 3]"), HasSubstr("[32, 4, 1, 1]")));
  EXPECT_THAT(error_of([&] {
                const RawWeight matrices[] = {raw({13, 7}), raw({13, 8})};
                backend_->pack_linear(matrices, {});
              }),
              AllOf(HasSubstr("linear"), HasSubstr("[13, 7]"), HasSubstr("[13, 8]")));
  EXPECT_THAT(error_of([&] {
                backend_->pack_feed_forward(norm(64), raw({256, 64}), raw({256}), raw({64, 256}), raw({64}));
              }),
              AllOf(HasSubstr("feed_forward"), HasSubstr("[512, 64]"), HasSubstr("[256, 64]")));
}

class Recorder final : public OpObserver {
 public:
  void before(const OpInfo& op) override {
    if (stop) throw Error(ErrorCode::cancelled, "stopped");
    infos.push_back(op);
  }
  void after(const OpInfo&) override { ++finished; }

  std::vector<OpInfo> infos;
  int finished = 0;
  bool stop = false;
};

TEST_F(ChecksTest, ObserverHearsOfEveryOperationAndMayStop) {
  Recorder recorder;
  backend_->set_observer(&recorder);
  const Conv2dWeights w = conv2d_weights({.in_channels = 4, .out_channels = 32});
  const Tensor y = backend_->conv2d(zeros({2, 3, 5, 4}), w);
  ASSERT_EQ(recorder.infos.size(), 1u);
  EXPECT_EQ(recorder.finished, 1);
  EXPECT_EQ(recorder.infos[0].kind, "conv2d");
  EXPECT_EQ(recorder.infos[0].flops, 2.0 * (2 * 3 * 5) * (9 * 4) * 32);
  backend_->attention(zeros({2, 15, 3 * 64}), 1);
  ASSERT_EQ(recorder.infos.size(), 2u);
  EXPECT_EQ(recorder.infos[1].flops, 2 * 2.0 * 2 * 15 * 15 * 64);

  recorder.stop = true;
  EXPECT_THROW(backend_->conv2d(zeros({2, 3, 5, 4}), w), Error);
  EXPECT_EQ(recorder.finished, 2);
  backend_->set_observer(nullptr);
  EXPECT_NO_THROW(backend_->conv2d(zeros({2, 3, 5, 4}), w));
}

}  // namespace
}  // namespace svd::test
