// Blocked attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022, "FlashAttention"): scores of
// kQueries x kKeys at a time, never the whole matrix. In float32 the products are oneDNN's, each on one thread; the
// softmax between them is a kernel of ours. Keys and values are packed once per frame and used by every block of
// queries.
#include "backends/cpu/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "backends/cpu/dnnl_support.h"
#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/kernels/kernels.h"
#include "backends/cpu/operations.h"
#include "backends/cpu/panel_attention.h"

namespace svd::cpu {

using dnnl::matmul;
using dnnl::memory;

namespace {

// A block of scores (float32, 512 KiB) and of probabilities stay in a core's second-level cache with the packed keys.
constexpr int64_t kQueries = 256;
constexpr int64_t kKeys = 512;

memory::desc matrix(int64_t rows, int64_t columns, int64_t stride) {
  return {{rows, columns}, kActivation, {stride, 1}};
}

}  // namespace

// The two products for one size of block. All sizes of the same number of keys share the layouts of packed keys and
// values, which `like`, the products of whole blocks of queries, has chosen.
struct AttentionProducts {
  AttentionProducts(const dnnl::engine& engine, int64_t queries, int64_t keys, int64_t width, int64_t row_stride,
                    const AttentionProducts* like) {
    const ThreadLimit one(1);  // they run inside a team
    // Threads run the same product at the same time: each brings its own scratch memory.
    dnnl::primitive_attr plain, accumulating;
    plain.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    accumulating.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops sum;
    sum.append_sum();
    accumulating.set_post_ops(sum);
    const memory::desc k = like ? like->scores_description.weights_desc()
                                : memory::desc({width, keys}, kActivation, memory::format_tag::any);
    const memory::desc v = like ? like->output_description.weights_desc()
                                : memory::desc({keys, width}, kActivation, memory::format_tag::any);
    scores_description = {{matrix(queries, width, row_stride), k, matrix(queries, keys, kKeys)}, plain, engine};
    output_description = {{matrix(queries, keys, kKeys), v, matrix(queries, width, width)}, accumulating, engine};
    scores = matmul(scores_description);
    output = matmul(output_description);
  }

  size_t scratch_bytes() const {
    return std::max(scores_description.scratchpad_desc().get_size(), output_description.scratchpad_desc().get_size());
  }

  matmul::primitive_desc scores_description, output_description;
  matmul scores;  // q [queries, width] k' [width, keys] -> [queries, keys]
  matmul output;  // accumulator [queries, width] += p [queries, keys] v [keys, width]
};

AttentionCache::AttentionCache() = default;
AttentionCache::~AttentionCache() = default;

const AttentionProducts& AttentionCache::get(const dnnl::engine& engine, int64_t queries, int64_t keys, int64_t width,
                                             int64_t row_stride, const AttentionProducts* like) {
  auto& entry = products_[{queries, keys, width, row_stride}];
  if (!entry) entry = std::make_unique<AttentionProducts>(engine, queries, keys, width, row_stride, like);
  return *entry;
}

namespace {

// Attention within one frame.
class FrameAttention {
 public:
  FrameAttention(Runtime& runtime, AttentionCache& cache, int64_t tokens, int64_t heads, int64_t width)
      : runtime_(runtime), tokens_(tokens), heads_(heads), width_(width), key_blocks_(blocks(tokens, kKeys)) {
    const int64_t queries[2] = {std::min(kQueries, tokens), tokens % kQueries};
    const int64_t keys[2] = {std::min(kKeys, tokens), tokens % kKeys};
    for (int q = 0; q < 2; ++q) {
      for (int k = 0; k < 2; ++k) {
        if (queries[q] == 0 || keys[k] == 0) continue;
        const AttentionProducts*& products = products_[q][k];
        products = &cache.get(runtime.engine, queries[q], keys[k], width, 3 * heads * width,
                              q == 0 ? nullptr : products_[0][k]);
        scratch_bytes_ = std::max(scratch_bytes_, products->scratch_bytes());
      }
    }
    key_bytes_ = products_[0][0]->scores_description.weights_desc().get_size();
    value_bytes_ = products_[0][0]->output_description.weights_desc().get_size();
    packed_keys_ = runtime.pool.allocate(static_cast<size_t>(heads * key_blocks_) * key_bytes_);
    packed_values_ = runtime.pool.allocate(static_cast<size_t>(heads * key_blocks_) * value_bytes_);
  }

  // qkv [tokens, 3C] -> y [tokens, C]
  void run(const float* qkv, float* y) {
    runtime_.threads.for_ranges(heads_ * key_blocks_, [&](int64_t begin, int64_t end) { pack(qkv, begin, end); });
    runtime_.threads.for_ranges(heads_ * blocks(tokens_, kQueries),
                                [&](int64_t begin, int64_t end) { attend(qkv, begin, end, y); });
  }

 private:
  int64_t channels() const { return heads_ * width_; }

  // The last block of a sequence may be short; a sequence of whole blocks has none.
  const AttentionProducts& products(int64_t queries, int64_t keys) const {
    const bool short_queries = queries != std::min(kQueries, tokens_), short_keys = keys != std::min(kKeys, tokens_);
    return *products_[short_queries][short_keys];
  }

  std::byte* keys_of(int64_t head, int64_t block) const {
    return packed_keys_.data() + static_cast<size_t>(head * key_blocks_ + block) * key_bytes_;
  }
  std::byte* values_of(int64_t head, int64_t block) const {
    return packed_values_.data() + static_cast<size_t>(head * key_blocks_ + block) * value_bytes_;
  }

  void pack(const float* qkv, int64_t begin, int64_t end) const {
    const ThreadLimit one(1);
    dnnl::stream stream(runtime_.engine);
    const int64_t stride = 3 * channels();
    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / key_blocks_, block = task % key_blocks_;
      const int64_t first = block * kKeys, count = std::min(kKeys, tokens_ - first);
      const AttentionProducts& p = products(std::min(kQueries, tokens_), count);
      const float* k = qkv + first * stride + channels() + head * width_;
      const memory::desc transposed({width_, count}, kActivation, {1, stride});
      reorder(stream, transposed, k, p.scores_description.weights_desc(), keys_of(head, block));
      reorder(stream, matrix(count, width_, stride), k + channels(), p.output_description.weights_desc(),
              values_of(head, block));
    }
  }

  void reorder(dnnl::stream& stream, const memory::desc& from, const float* source, const memory::desc& to,
               std::byte* target) const {
    memory a = runtime_.wrap(from, source), b = runtime_.wrap(to, target);
    dnnl::reorder(a, b).execute(stream, a, b);
  }

  void attend(const float* qkv, int64_t begin, int64_t end, float* y) const {
    const ThreadLimit one(1);
    dnnl::stream stream(runtime_.engine);
    const Buffer scores_buffer = runtime_.pool.allocate(kQueries * kKeys * sizeof(float));
    const Buffer probabilities_buffer = runtime_.pool.allocate(kQueries * kKeys * sizeof(float));
    const Buffer accumulator_buffer = runtime_.pool.allocate(static_cast<size_t>(kQueries * width_) * sizeof(float));
    const Buffer scratch = runtime_.pool.allocate(scratch_bytes_);
    float* scores = reinterpret_cast<float*>(scores_buffer.data());                // [queries, kKeys]
    float* probabilities = reinterpret_cast<float*>(probabilities_buffer.data());  // [queries, kKeys]
    float* accumulator = reinterpret_cast<float*>(accumulator_buffer.data());      // [queries, width]
    std::array<float, kQueries> row_max, row_sum, correction;
    const float scale_log2 = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(width_));
    const int64_t query_blocks = blocks(tokens_, kQueries);

    for (int64_t task = begin; task < end; ++task) {
      const int64_t head = task / query_blocks;
      const int64_t first = task % query_blocks * kQueries, queries = std::min(kQueries, tokens_ - first);
      const float* q = qkv + first * 3 * channels() + head * width_;
      row_max.fill(-3.0e38f);
      row_sum.fill(0.0f);
      std::fill_n(accumulator, queries * width_, 0.0f);
      for (int64_t block = 0; block < key_blocks_; ++block) {
        const int64_t keys = std::min(kKeys, tokens_ - block * kKeys);
        const AttentionProducts& p = products(queries, keys);
        multiply(stream, p.scores, p.scores_description, q, keys_of(head, block), scores, scratch);
        kernels::softmax_block(scores, queries, keys, kKeys, scale_log2, row_max.data(), row_sum.data(),
                               correction.data(), probabilities);
        kernels::scale_rows(accumulator, queries, width_, correction.data());
        multiply(stream, p.output, p.output_description, probabilities, values_of(head, block), accumulator, scratch);
      }
      kernels::divide_rows(accumulator, queries, width_, row_sum.data(), y + first * channels() + head * width_,
                           channels());
    }
  }

  void multiply(dnnl::stream& stream, const matmul& product, const matmul::primitive_desc& description, const float* a,
                const std::byte* b, float* c, const Buffer& scratch) const {
    product.execute(stream, {{DNNL_ARG_SRC, runtime_.wrap(description.src_desc(), a)},
                             {DNNL_ARG_WEIGHTS, runtime_.wrap(description.weights_desc(), b)},
                             {DNNL_ARG_DST, runtime_.wrap(description.dst_desc(), c)},
                             {DNNL_ARG_SCRATCHPAD, runtime_.wrap(description.scratchpad_desc(), scratch.data())}});
  }

  Runtime& runtime_;
  const int64_t tokens_, heads_, width_, key_blocks_;
  const AttentionProducts* products_[2][2] = {};  // [whole or short block of queries][of keys]
  size_t key_bytes_ = 0, value_bytes_ = 0;        // of one packed block
  size_t scratch_bytes_ = 0;                      // what a product needs
  Buffer packed_keys_, packed_values_;            // [heads, key blocks]
};

}  // namespace

Tensor attention(Runtime& runtime, AttentionCache& cache, const Tensor& qkv, const Shape& shape, int64_t heads) {
  Tensor y(runtime.pool, shape, runtime.numerics.activations);  // [T, ..., C]
  const int64_t frames = shape[0], tokens = shape.rows() / frames, channels = shape.back();
  if (runtime.bf16) {
    panel_attention(runtime, qkv, heads, y);
    return y;
  }
  FrameAttention frame_attention(runtime, cache, tokens, heads, channels / heads);
  for (int64_t frame = 0; frame < frames; ++frame) {
    frame_attention.run(qkv.data<float>().data() + frame * tokens * 3 * channels,
                        y.data<float>().data() + frame * tokens * channels);
  }
  return y;
}

Tensor temporal_attention(Runtime& runtime, const Tensor& qkv, const Shape& shape, int64_t heads) {
  Tensor y(runtime.pool, shape, runtime.numerics.activations);  // [T, ..., C]
  const int64_t frames = shape[0], positions = shape.rows() / frames, width = shape.back() / heads;
  const auto quick = runtime.bf16 ? runtime.bf16->attention.among_frames : nullptr;
  if (quick && width == kernels::kTemporalHead && frames <= kernels::kMostFrames) {
    runtime.threads.for_ranges(positions, [&](int64_t begin, int64_t end) {
      quick(qkv.data<bf16>().data(), frames, positions, heads, begin, end, y.data<bf16>().data());
    });
    return y;
  }
  with_element_type(runtime.numerics.activations, [&]<typename T>(T*) {
    runtime.threads.for_ranges(positions, [&](int64_t begin, int64_t end) {
      kernels::temporal_attention(qkv.data<T>().data(), frames, positions, heads, width, begin, end,
                                  y.data<T>().data());
    });
  });
  return y;
}

size_t dnnl_attention_workspace(const Shape& qkv, int64_t heads, const Threads& threads) {
  const int64_t tokens = qkv.rows() / qkv[0], channels = qkv.back() / 3, width = channels / heads;
  const int64_t packed = 2 * blocks(tokens, kKeys) * kKeys * channels;  // keys and values of one frame
  const int64_t of_thread = 2 * kQueries * kKeys + kQueries * width;    // scores, probabilities and sums
  return static_cast<size_t>(packed + threads.count() * of_thread) * sizeof(float);
}

}  // namespace svd::cpu
