// Rows are worked on in chunks, one thread each, from the LayerNorm to the last rounding: what a chunk hands from one
// step to the next never leaves the caches, and the input is read and the result written once.
#include "backends/cpu/panel_products.h"

#include <algorithm>

#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/panels.h"

namespace svd::cpu {
namespace {

using kernels::Finish;
using kernels::kPanelColumns;
using kernels::kStripRows;
using kernels::Strip;

// Rows of a chunk: enough that reading the weights from the third-level cache, or from memory when they are larger, for
// every chunk does not show; few enough that the sums (4 KiB per 16 rows) stay in the second.
constexpr int64_t kChunkRows = 256, kChunkRowsOfLarge = 512;
constexpr int64_t kLargeWeights = int64_t{8} << 20;

// Rows [first, first + count), all in one frame; panels [first_panel, last_panel).
struct Task {
  int64_t first, count, frame, first_panel, last_panel;
};

// Chunks of rows that do not cross frames when `frames` > 1; two per thread at least, or, where the rows are few, each
// split by panels too.
std::vector<Task> split(int64_t rows, int64_t frames, int64_t weight_bytes, int64_t panels, const Threads& threads) {
  const int64_t frame_rows = rows / frames;
  const int64_t most = weight_bytes > kLargeWeights ? kChunkRowsOfLarge : kChunkRows;
  const int64_t per_thread = blocks(rows / (int64_t{2} * threads.count()), kStripRows) * kStripRows;
  const int64_t wanted = std::min(frame_rows, std::clamp(per_thread, 4 * kStripRows, most));
  const int64_t in_frame = blocks(frame_rows, wanted);
  const int64_t chunk = blocks(blocks(frame_rows, in_frame), kStripRows) * kStripRows;
  const int64_t parts = panels == 1 ? 1 : panel_parts(frames * in_frame, panels, threads);
  std::vector<Task> tasks;
  for (int64_t frame = 0; frame < frames; ++frame) {
    for (int64_t row = 0; row < frame_rows; row += chunk) {
      for (int64_t part = 0; part < parts; ++part) {
        tasks.push_back({frame * frame_rows + row, std::min(chunk, frame_rows - row), frame, panels * part / parts,
                         panels * (part + 1) / parts});
      }
    }
  }
  return tasks;
}

float* floats(const Buffer& buffer) { return reinterpret_cast<float*>(buffer.data()); }

Buffer sums_for(Runtime& runtime, size_t strips) { return runtime.pool.allocate(sums_of(strips) * sizeof(float)); }

int64_t frames_of(const Tensor* frame_bias) { return frame_bias ? frame_bias->shape()[0] : 1; }

// Rows x [count, width] as the kernel reads them, y [count, padded depth]: (x + frame bias) normalised, where there is
// a norm, and zero beyond the width.
void prepare_rows(const bf16* x, const float* frame_bias, int64_t count, int64_t width, const NormWeights* norm,
                  bf16* y) {
  const int64_t depth = padded_depth(width);
  const int64_t together = depth == width ? count : 1;
  const PackedNorm* affine = norm ? &values_of(*norm) : nullptr;
  for (int64_t row = 0; row < count; row += together, x += together * width, y += together * depth) {
    if (norm) {
      kernels::layer_norm(x, frame_bias, together, width, affine->gamma.data(), affine->beta.data(), norm->epsilon, y);
    } else {
      std::copy_n(x, together * width, y);
    }
    std::fill(y + together * width, y + together * depth, bf16{});
  }
}

class PanelLinear final : public PackedLinear {
 public:
  PanelLinear(Panels panels, int64_t in, int64_t out, std::vector<float> bias)
      : panels_(std::move(panels)),
        in_(in),
        depth_(padded_depth(in)),
        out_(out),
        bias_(padded_to_panels(std::move(bias), out)) {}

  Tensor run(Runtime& runtime, const Tensor& x, const Shape& shape, LinearOptions options) override {
    PanelResult result(runtime, shape, options.residual);
    const bf16* source = x.data<bf16>().data();
    bf16* target = result.data();
    const bf16* residual = result.residual();
    const bool stream = result.streams(out_);
    const std::vector<Task> tasks =
        split(x.shape().rows(), frames_of(options.frame_bias), panels_.bytes(), panels_.count(), runtime.threads);
    runtime.threads.for_each(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
      const kernels::MatrixSession session(runtime.bf16->matrix);
      const Task& task = tasks[static_cast<size_t>(i)];
      const bf16* rows = source + task.first * in_;
      Buffer prepared;  // [chunk, depth]
      if (options.layer_norm || depth_ != in_) {
        prepared = runtime.pool.allocate(static_cast<size_t>(task.count * depth_) * sizeof(bf16));
        prepare_rows(rows, nullptr, task.count, in_, options.layer_norm, halves(prepared));
        rows = halves(prepared);
      }
      std::vector<Strip> strips;
      append_strips(rows, task.count, depth_, strips);
      const Buffer sums = sums_for(runtime, strips.size());
      const Segment whole[] = {{.depth = depth_}};
      const float* frame_bias = frame_bias_row(options.frame_bias, task.frame);
      for (int64_t panel = task.first_panel; panel < task.last_panel; ++panel) {
        const int64_t column = panel * kPanelColumns;
        const Finish finish{.columns = std::min(kPanelColumns, out_ - column),
                            .bias = bias_.data() + column,
                            .frame_bias = frame_bias ? frame_bias + column : nullptr,
                            .silu = options.activation == Activation::silu,
                            .gelu = options.activation == Activation::gelu,
                            .stream = stream};
        multiply_panel(runtime.bf16->matrix, strips, depth_, whole, panels_.panel(panel), floats(sums),
                       [&](size_t strip, const float* strip_sums) {
                         const int64_t at = (task.first + static_cast<int64_t>(strip) * kStripRows) * out_ + column;
                         runtime.bf16->finish.strip(strip_sums, strips[strip].count, finish,
                                                    residual ? residual + at : nullptr, nullptr, out_, target + at);
                       });
      }
      if (stream) runtime.bf16->finish.end_streaming();
    });
    return result.take();
  }

 private:
  const Panels panels_;
  const int64_t in_, depth_, out_;
  const std::vector<float> bias_;  // [panels * 64]
};

// A panel of the first matrix has 32 values and their 32 gates, so that its sums become 32 columns of the hidden layer
// on the spot: the two halves, eight times as wide as the input, never reach memory.
constexpr int64_t kGatedColumns = kPanelColumns / 2;

class PanelFeedForward final : public PackedFeedForward {
 public:
  PanelFeedForward(Runtime& runtime, const RawWeight& w1, const RawWeight& b1, const RawWeight& w2, const RawWeight& b2)
      : width_(w2.shape[0]),
        inner_(w2.shape[1]),
        width_depth_(padded_depth(width_)),
        inner_depth_(padded_depth(inner_)),
        bias2_(padded_to_panels(to_floats(b2), width_)) {
    const auto source_row = [inner = inner_](int64_t column) {
      const int64_t hidden = column / kPanelColumns * kGatedColumns + column % kGatedColumns;
      if (hidden >= inner) return int64_t{-1};
      return column % kPanelColumns < kGatedColumns ? hidden : inner + hidden;
    };
    const WeightLayout first{.outputs = 2 * inner_, .inputs = width_, .out_stride = width_};
    w1_ = Panels(runtime.pool, runtime.threads, w1, first, 1.0f, 2 * inner_depth_, source_row);
    const WeightLayout second{.outputs = width_, .inputs = inner_, .out_stride = inner_};
    w2_ = Panels(runtime.pool, runtime.threads, w2, second);
    const std::vector<float> b = to_floats(b1);
    bias1_.resize(static_cast<size_t>(2 * inner_depth_));
    for (size_t column = 0; column < bias1_.size(); ++column) {
      const int64_t row = source_row(static_cast<int64_t>(column));
      if (row >= 0) bias1_[column] = b[static_cast<size_t>(row)];
    }
  }

  Tensor run(Runtime& runtime, Operand x, const NormWeights& norm, const FeedForwardOptions& options) override {
    const Shape shape = x.get().shape();
    PanelResult result(runtime, shape, x);  // the input is the residual too
    const Operands operands{.residual = result.residual(),
                            .other = options.blend.other ? options.blend.other->data<bf16>().data() : nullptr,
                            .other_share = options.blend.weight,
                            .target = result.data(),
                            .stream = result.streams(width_)};
    const std::vector<Task> tasks =
        split(shape.rows(), frames_of(options.frame_bias), w1_.bytes() + w2_.bytes(), 1, runtime.threads);
    runtime.threads.for_each(static_cast<int64_t>(tasks.size()), [&](int64_t i) {
      const kernels::MatrixSession session(runtime.bf16->matrix);
      const Task& task = tasks[static_cast<size_t>(i)];
      const size_t rows = static_cast<size_t>(task.count);
      const float* frame_bias = frame_bias_row(options.frame_bias, task.frame);
      // [chunk, width depth] and [chunk, inner depth]
      const Buffer normed = runtime.pool.allocate(rows * static_cast<size_t>(width_depth_) * sizeof(bf16));
      const Buffer hidden = runtime.pool.allocate(rows * static_cast<size_t>(inner_depth_) * sizeof(bf16));
      prepare_rows(operands.residual + task.first * width_, frame_bias, task.count, width_, &norm, halves(normed));
      std::vector<Strip> strips;
      append_strips(halves(normed), task.count, width_depth_, strips);
      const Buffer sums = sums_for(runtime, strips.size());
      multiply_first(runtime, strips, floats(sums), halves(hidden));
      strips.clear();
      append_strips(halves(hidden), task.count, inner_depth_, strips);
      multiply_second(runtime, task, strips, frame_bias, operands, floats(sums));
    });
    return result.take();
  }

 private:
  struct Operands {
    const bf16* residual;
    const bf16* other;  // to blend with; null for none
    float other_share;
    bf16* target;
    bool stream;
  };

  // strips of [chunk, width depth] -> value * gelu(gate), hidden [chunk, inner depth]. Beyond the inner width weights
  // and bias are zero, and so is what they give.
  void multiply_first(Runtime& runtime, std::span<const Strip> strips, float* sums, bf16* hidden) const {
    const Segment whole[] = {{.depth = width_depth_}};
    for (int64_t panel = 0; panel < w1_.count(); ++panel) {
      const Finish finish{
          .columns = kGatedColumns, .bias = bias1_.data() + panel * kPanelColumns, .gate = kernels::Gate::gelu};
      multiply_panel(runtime.bf16->matrix, strips, width_depth_, whole, w1_.panel(panel), sums,
                     [&](size_t strip, const float* strip_sums) {
                       const int64_t at =
                           static_cast<int64_t>(strip) * kStripRows * inner_depth_ + panel * kGatedColumns;
                       runtime.bf16->finish.strip(strip_sums, strips[strip].count, finish, nullptr, nullptr,
                                                  inner_depth_, hidden + at);
                     });
    }
  }

  // strips of [chunk, inner depth] -> the task's rows of the result, with residual and blend.
  void multiply_second(Runtime& runtime, const Task& task, std::span<const Strip> strips, const float* frame_bias,
                       const Operands& o, float* sums) const {
    const Segment whole[] = {{.depth = inner_depth_}};
    for (int64_t panel = 0; panel < w2_.count(); ++panel) {
      const int64_t column = panel * kPanelColumns;
      const Finish finish{.columns = std::min(kPanelColumns, width_ - column),
                          .bias = bias2_.data() + column,
                          .frame_bias = frame_bias ? frame_bias + column : nullptr,
                          .stream = o.stream,
                          .other_share = o.other_share};
      multiply_panel(runtime.bf16->matrix, strips, inner_depth_, whole, w2_.panel(panel), sums,
                     [&](size_t strip, const float* strip_sums) {
                       const int64_t at = (task.first + static_cast<int64_t>(strip) * kStripRows) * width_ + column;
                       runtime.bf16->finish.strip(strip_sums, strips[strip].count, finish, o.residual + at,
                                                  o.other ? o.other + at : nullptr, width_, o.target + at);
                     });
    }
    if (o.stream) runtime.bf16->finish.end_streaming();
  }

  const int64_t width_, inner_, width_depth_, inner_depth_;
  Panels w1_, w2_;            // [2 inner depth, width] values and gates in turn; [width, inner]
  std::vector<float> bias1_;  // [2 inner depth], as w1_'s columns
  const std::vector<float> bias2_;
};

}  // namespace

std::unique_ptr<PackedLinear> make_panel_linear(Runtime& runtime, const RawWeight& matrix, std::vector<float> bias) {
  const WeightLayout layout{.outputs = matrix.shape[0], .inputs = matrix.shape[1], .out_stride = matrix.shape[1]};
  return std::make_unique<PanelLinear>(Panels(runtime.pool, runtime.threads, matrix, layout), layout.inputs,
                                       layout.outputs, std::move(bias));
}

std::unique_ptr<PackedFeedForward> make_panel_feed_forward(Runtime& runtime, const RawWeight& w1, const RawWeight& b1,
                                                           const RawWeight& w2, const RawWeight& b2) {
  return std::make_unique<PanelFeedForward>(runtime, w1, b1, w2, b2);
}

namespace {

// Of the tasks that run at a time, each the largest: bytes of `row_elements` for each of its rows, and its sums.
size_t workspace_of(const std::vector<Task>& tasks, int64_t row_elements, const Threads& threads) {
  const int64_t rows = std::ranges::max(tasks, {}, &Task::count).count;
  const size_t sums = sums_of(static_cast<size_t>(blocks(rows, kStripRows))) * sizeof(float);
  return std::min(tasks.size(), static_cast<size_t>(threads.count())) *
         (static_cast<size_t>(rows * row_elements) * sizeof(bf16) + sums);
}

}  // namespace

size_t panel_feed_forward_weights(int64_t width, int64_t inner) {
  return Panels::bytes_of(2 * padded_depth(inner), width) + Panels::bytes_of(width, inner);
}

size_t panel_linear_workspace(const Shape& x, int64_t out, const LinearOptions& options, const Threads& threads) {
  const int64_t weights = static_cast<int64_t>(Panels::bytes_of(out, x.back()));
  const bool prepared = options.layer_norm || padded_depth(x.back()) != x.back();
  return workspace_of(split(x.rows(), frames_of(options.frame_bias), weights, blocks(out, kPanelColumns), threads),
                      prepared ? padded_depth(x.back()) : 0, threads);
}

size_t panel_feed_forward_workspace(const Shape& x, int64_t inner, const FeedForwardOptions& options,
                                    const Threads& threads) {
  const int64_t weights = static_cast<int64_t>(panel_feed_forward_weights(x.back(), inner));
  return workspace_of(split(x.rows(), frames_of(options.frame_bias), weights, 1, threads),
                      padded_depth(x.back()) + padded_depth(inner), threads);
}

}  // namespace svd::cpu
