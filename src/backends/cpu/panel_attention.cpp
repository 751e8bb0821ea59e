// Blocked attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022, "FlashAttention") between two
// products of the matrix kernel: scores of 32 queries x 256 keys at a time, 32 KiB that do not leave the first-level
// cache, never the whole matrix.
//
// Keys and values of some frames are packed into panels first; every block of queries reads them. A block of 128
// queries takes each 256 keys (64 KiB with their values, for heads of 64) from the second-level cache four times and
// from the third once.
#include "backends/cpu/panel_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "backends/cpu/kernels/attention.h"
#include "backends/cpu/panels.h"

namespace svd::cpu {
namespace {

using kernels::kKeyPanel;
using kernels::kPanelColumns;
using kernels::kStripRows;
using kernels::kStripSums;
using kernels::Piece;
using kernels::SoftmaxState;
using kernels::Strip;

constexpr int64_t kKeys = 256;                       // in a block
constexpr int64_t kStripsTogether = 2;               // AMX multiplies two strips at a time
constexpr int64_t kQueries = 128;                    // in a block
constexpr int64_t kStrips = kQueries / kStripRows;   // of a block
constexpr int64_t kPackedBytes = int64_t{32} << 20;  // of keys and values, beyond one frame

// Of the keys, and as many of the values, of one head in one frame.
int64_t elements_of_head(int64_t tokens, int64_t width) { return blocks(tokens, kKeyPanel) * kKeyPanel * width; }

int64_t frames_at_a_time(int64_t frames, int64_t heads, int64_t head_elements) {
  const int64_t frame_bytes = 2 * heads * head_elements * static_cast<int64_t>(sizeof(bf16));
  return std::clamp<int64_t>(kPackedBytes / frame_bytes, 1, frames);
}

// What one block of queries works in, in bytes.
constexpr int64_t kScoreCount = kStripsTogether * kStripRows * kKeys;
size_t block_bytes(int64_t strips, int64_t value_panels) {
  return static_cast<size_t>(strips * value_panels * kStripSums + kScoreCount) * sizeof(float) +
         static_cast<size_t>(kScoreCount) * sizeof(bf16);
}

// The frames of one call, packed and worked on group by group.
class PanelAttention {
 public:
  // width: a whole number of panels
  PanelAttention(Runtime& runtime, int64_t tokens, int64_t heads, int64_t width, float scale)
      : runtime_(runtime),
        tokens_(tokens),
        heads_(heads),
        width_(width),
        scale_log2_(scale * std::numbers::log2e_v<float>),
        head_elements_(elements_of_head(tokens, width)) {}

  // qkv [frames, tokens, 3C] -> y [frames, tokens, C]; `packed` has room for twice frames * heads * head_elements.
  void run(const bf16* qkv, int64_t frames, bf16* packed, bf16* y) const {
    const int64_t pairs = frames * heads_;  // of a frame and a head
    bf16* const keys = packed;
    bf16* const values = packed + pairs * head_elements_;
    const int64_t key_blocks = blocks(tokens_, kKeys), query_blocks = blocks(tokens_, kQueries);
    runtime_.threads.for_each(pairs * key_blocks, [&](int64_t i) {
      const int64_t pair = i / key_blocks;
      pack(of_pair(qkv, pair), i % key_blocks, keys + pair * head_elements_, values + pair * head_elements_);
    });
    runtime_.threads.for_each(pairs * query_blocks, [&](int64_t i) {
      const kernels::MatrixSession session(runtime_.bf16->matrix);
      const int64_t pair = i / query_blocks, first = i % query_blocks * kQueries;
      bf16* result = y + pair / heads_ * tokens_ * channels() + pair % heads_ * width_;
      attend(of_pair(qkv, pair), first, keys + pair * head_elements_, values + pair * head_elements_, result);
    });
  }

  int64_t head_elements() const { return head_elements_; }

 private:
  int64_t channels() const { return heads_ * width_; }
  int64_t row_stride() const { return 3 * channels(); }
  int64_t value_panels() const { return width_ / kPanelColumns; }

  // The queries of a frame and head; keys and values are `channels` and twice as many elements further.
  const bf16* of_pair(const bf16* qkv, int64_t pair) const {
    return qkv + pair / heads_ * tokens_ * row_stride() + pair % heads_ * width_;
  }

  // Block `block` of keys [key panel][width / 2][64][2] and of values [block][value panel][keys / 2][64][2].
  void pack(const bf16* q, int64_t block, bf16* keys, bf16* values) const {
    const int64_t first = block * kKeys, count = std::min(kKeys, tokens_ - first);
    const bf16* k = q + first * row_stride() + channels();
    const bf16* v = k + channels();
    const int64_t padded = blocks(count, kKeyPanel) * kKeyPanel;
    for (int64_t key = 0; key < padded; key += kKeyPanel) {
      runtime_.bf16->attention.pack_keys(k + key * row_stride(), std::min(kKeyPanel, count - key), width_, row_stride(),
                                         keys + (first + key) * width_);
    }
    for (int64_t panel = 0; panel < value_panels(); ++panel) {
      runtime_.bf16->attention.pack_values(v + panel * kPanelColumns, count, padded, row_stride(),
                                           values + first * width_ + panel * padded * kPanelColumns);
    }
  }

  // A block of queries and what is computed for it.
  struct QueryBlock {
    std::array<Strip, kStrips> strips;
    int64_t strip_count;
    std::array<SoftmaxState, kStrips> states;
    float* outputs;       // [value panel][strip][16][64]
    float* scores;        // [key panel][2][16][64]
    bf16* probabilities;  // [2][16][256]
  };

  void attend(const bf16* q, int64_t first, const bf16* keys, const bf16* values, bf16* y) const {
    const int64_t queries = std::min(kQueries, tokens_ - first);
    QueryBlock block;
    block.strip_count = blocks(queries, kStripRows);
    for (int64_t s = 0; s < block.strip_count; ++s) {
      const int64_t row = s * kStripRows;
      block.strips[static_cast<size_t>(s)] = {q + (first + row) * row_stride(), std::min(kStripRows, queries - row)};
    }
    const Buffer memory = runtime_.pool.allocate(block_bytes(block.strip_count, value_panels()));
    const int64_t output_count = block.strip_count * value_panels() * kStripSums;
    block.outputs = reinterpret_cast<float*>(memory.data());
    block.scores = block.outputs + output_count;
    block.probabilities = reinterpret_cast<bf16*>(block.scores + kScoreCount);
    std::fill_n(block.outputs, output_count, 0.0f);
    for (SoftmaxState& state : block.states) state.reset();

    for (int64_t key = 0; key < tokens_; key += kKeys) {
      for (int64_t s = 0; s < block.strip_count; s += kStripsTogether) attend_to_keys(block, s, key, keys, values);
    }
    for (int64_t s = 0; s < block.strip_count; ++s) {
      bf16* target = y + (first + s * kStripRows) * channels();
      for (int64_t panel = 0; panel < value_panels(); ++panel) {
        runtime_.bf16->attention.divide(
            block.outputs + (panel * block.strip_count + s) * kStripSums, block.strips[static_cast<size_t>(s)].count,
            block.states[static_cast<size_t>(s)], channels(), target + panel * kPanelColumns);
      }
    }
  }

  // Adds what the block of keys from `key` on gives to the outputs of two strips of queries from strip s on.
  void attend_to_keys(QueryBlock& block, int64_t s, int64_t key, const bf16* keys, const bf16* values) const {
    constexpr int64_t kScorePanel = kStripsTogether * kStripSums;
    const int64_t count = std::min(kKeys, tokens_ - key), padded = blocks(count, kKeyPanel) * kKeyPanel;
    const int64_t together = std::min(kStripsTogether, block.strip_count - s);
    const Strip* queries = block.strips.data() + s;
    for (int64_t panel = 0; panel < padded / kKeyPanel; ++panel) {
      const Piece piece{0, keys + (key + panel * kKeyPanel) * width_, width_};
      runtime_.bf16->matrix.accumulate(queries, together, row_stride(), &piece, 1, false,
                                       block.scores + panel * kScorePanel);
    }
    std::array<Strip, kStripsTogether> weights;
    for (int64_t i = 0; i < together; ++i) {
      bf16* p = block.probabilities + i * kStripRows * kKeys;
      weights[static_cast<size_t>(i)] = {p, queries[i].count};
      runtime_.bf16->attention.softmax(block.scores + i * kStripSums, kScorePanel, queries[i].count, count, scale_log2_,
                                       block.states[static_cast<size_t>(s + i)], block.outputs + (s + i) * kStripSums,
                                       value_panels(), block.strip_count * kStripSums, p, kKeys);
    }
    for (int64_t panel = 0; panel < value_panels(); ++panel) {
      const Piece piece{0, values + key * width_ + panel * padded * kPanelColumns, padded};
      runtime_.bf16->matrix.accumulate(weights.data(), together, kKeys, &piece, 1, true,
                                       block.outputs + (panel * block.strip_count + s) * kStripSums);
    }
  }

  Runtime& runtime_;
  const int64_t tokens_, heads_, width_;
  const float scale_log2_;
  const int64_t head_elements_;  // of one frame's head, packed
};

// Copies groups of `from` elements to groups of `to`: what is more is zero, what is less is left out.
void resize_groups(const Runtime& runtime, const bf16* x, int64_t groups, int64_t from, int64_t to, bf16* y) {
  runtime.threads.for_ranges(groups, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      bf16* const rest = std::copy_n(x + i * from, std::min(from, to), y + i * to);
      std::fill(rest, y + (i + 1) * to, bf16{});
    }
  });
}

}  // namespace

void panel_attention(Runtime& runtime, const Tensor& qkv, int64_t heads, Tensor& y) {
  const Shape& shape = y.shape();
  const int64_t frames = shape[0], tokens = shape.rows() / frames, width = shape.back() / heads;
  const int64_t padded = blocks(width, kPanelColumns) * kPanelColumns;
  const PanelAttention attention(runtime, tokens, heads, padded, 1.0f / std::sqrt(static_cast<float>(width)));
  const int64_t group = padded == width ? frames_at_a_time(frames, heads, attention.head_elements()) : 1;
  const auto allocate = [&](int64_t elements) {
    return runtime.pool.allocate(static_cast<size_t>(elements) * sizeof(bf16));
  };
  const Buffer packed = allocate(2 * group * heads * attention.head_elements());
  // Heads of other widths (CLIP's of 80) are copied to whole panels and back, frame by frame; the zeros add nothing to
  // any product.
  Buffer wide_qkv, wide_y;  // [group, tokens, 3 heads, padded] and [group, tokens, heads, padded]
  if (padded != width) {
    wide_qkv = allocate(group * tokens * 3 * heads * padded);
    wide_y = allocate(group * tokens * heads * padded);
  }
  for (int64_t frame = 0; frame < frames; frame += group) {
    const int64_t now = std::min(group, frames - frame), heads_now = now * tokens * heads;
    const bf16* source = qkv.data<bf16>().data() + frame * tokens * 3 * heads * width;
    bf16* target = y.data<bf16>().data() + frame * tokens * heads * width;
    if (padded == width) {
      attention.run(source, now, halves(packed), target);
    } else {
      resize_groups(runtime, source, 3 * heads_now, width, padded, halves(wide_qkv));
      attention.run(halves(wide_qkv), now, halves(packed), halves(wide_y));
      resize_groups(runtime, halves(wide_y), heads_now, padded, width, target);
    }
  }
}

size_t panel_attention_workspace(const Shape& qkv, int64_t heads, const Threads& threads) {
  const int64_t frames = qkv[0], tokens = qkv.rows() / frames, width = qkv.back() / 3 / heads;
  const int64_t padded = blocks(width, kPanelColumns) * kPanelColumns, elements = elements_of_head(tokens, padded);
  const int64_t group = padded == width ? frames_at_a_time(frames, heads, elements) : 1;
  const int64_t widened = padded == width ? 0 : tokens * 4 * heads * padded;  // qkv and result in heads of whole panels
  return static_cast<size_t>(2 * group * heads * elements + widened) * sizeof(bf16) +
         static_cast<size_t>(threads.count()) * block_bytes(kStrips, padded / kPanelColumns);
}

}  // namespace svd::cpu
