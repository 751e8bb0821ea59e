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

int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }

// The frames of one call, packed and worked on group by group.
class PanelAttention {
 public:
  PanelAttention(Context& context, int64_t tokens, int64_t heads, int64_t width)
      : context_(context),
        tokens_(tokens),
        heads_(heads),
        width_(width),
        key_panels_(blocks(tokens, kKeyPanel)),
        head_elements_(key_panels_ * kKeyPanel * width) {}

  int64_t frames_at_a_time(int64_t frames) const {
    const int64_t frame_bytes = 2 * heads_ * head_elements_ * static_cast<int64_t>(sizeof(bf16));
    return std::clamp<int64_t>(kPackedBytes / frame_bytes, 1, frames);
  }

  // qkv [frames, tokens, 3C] -> y [frames, tokens, C]; `packed` has room for twice frames * heads * head_elements.
  void run(const bf16* qkv, int64_t frames, bf16* packed, bf16* y) const {
    const int64_t pairs = frames * heads_;  // of a frame and a head
    bf16* const keys = packed;
    bf16* const values = packed + pairs * head_elements_;
    const int64_t key_blocks = blocks(tokens_, kKeys), query_blocks = blocks(tokens_, kQueries);
    context_.threads.for_each(pairs * key_blocks, [&](int64_t i) {
      const int64_t pair = i / key_blocks;
      pack(of_pair(qkv, pair), i % key_blocks, keys + pair * head_elements_, values + pair * head_elements_);
    });
    context_.threads.for_each(pairs * query_blocks, [&](int64_t i) {
      const kernels::MatrixSession session(*context_.matrix);
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
      kernels::pack_keys(k + key * row_stride(), std::min(kKeyPanel, count - key), width_, row_stride(),
                         keys + (first + key) * width_);
    }
    for (int64_t panel = 0; panel < value_panels(); ++panel) {
      kernels::pack_values(v + panel * kPanelColumns, count, padded, row_stride(),
                           values + first * width_ + panel * padded * kPanelColumns);
    }
  }

  void attend(const bf16* q, int64_t first, const bf16* keys, const bf16* values, bf16* y) const {
    const int64_t queries = std::min(kQueries, tokens_ - first);
    std::array<Strip, kStrips> strips;
    const int64_t strip_count = blocks(queries, kStripRows);
    for (int64_t s = 0; s < strip_count; ++s) {
      const int64_t row = s * kStripRows;
      strips[static_cast<size_t>(s)] = {q + (first + row) * row_stride(), std::min(kStripRows, queries - row)};
    }
    const int64_t outputs_of_strip = value_panels() * kStripSums;
    const int64_t score_count = kStripsTogether * kStripRows * kKeys;
    const Buffer memory =
        context_.pool.allocate(static_cast<size_t>(strip_count * outputs_of_strip + score_count) * sizeof(float) +
                               static_cast<size_t>(score_count) * sizeof(bf16));
    float* const outputs = reinterpret_cast<float*>(memory.data());             // [value panel][strip][16][64]
    float* const scores = outputs + strip_count * outputs_of_strip;             // [key panel][2][16][64]
    bf16* const probabilities = reinterpret_cast<bf16*>(scores + score_count);  // [2][16][256]
    std::fill_n(outputs, strip_count * outputs_of_strip, 0.0f);
    std::array<SoftmaxState, kStrips> states;
    for (SoftmaxState& state : states) state.reset();

    const float scale_log2 = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(width_));
    for (int64_t key = 0; key < tokens_; key += kKeys) {
      const int64_t count = std::min(kKeys, tokens_ - key), padded = blocks(count, kKeyPanel) * kKeyPanel;
      for (int64_t s = 0; s < strip_count; s += kStripsTogether) {
        const int64_t together = std::min(kStripsTogether, strip_count - s);
        const Strip* queries_now = strips.data() + s;
        constexpr int64_t kScorePanel = kStripsTogether * kStripSums;
        for (int64_t panel = 0; panel < padded / kKeyPanel; ++panel) {
          const Piece piece{0, keys + (key + panel * kKeyPanel) * width_, width_};
          context_.matrix->accumulate(queries_now, together, row_stride(), &piece, 1, false,
                                      scores + panel * kScorePanel);
        }
        std::array<Strip, kStripsTogether> weights;
        for (int64_t i = 0; i < together; ++i) {
          bf16* p = probabilities + i * kStripRows * kKeys;
          weights[static_cast<size_t>(i)] = {p, queries_now[i].count};
          kernels::softmax_strip(scores + i * kStripSums, kScorePanel, queries_now[i].count, count, scale_log2,
                                 states[static_cast<size_t>(s + i)], outputs + (s + i) * kStripSums, value_panels(),
                                 strip_count * kStripSums, p, kKeys);
        }
        for (int64_t panel = 0; panel < value_panels(); ++panel) {
          const Piece piece{0, values + key * width_ + panel * padded * kPanelColumns, padded};
          context_.matrix->accumulate(weights.data(), together, kKeys, &piece, 1, true,
                                      outputs + (panel * strip_count + s) * kStripSums);
        }
      }
    }
    for (int64_t s = 0; s < strip_count; ++s) {
      bf16* target = y + (first + s * kStripRows) * channels();
      for (int64_t panel = 0; panel < value_panels(); ++panel) {
        kernels::divide_strip(outputs + (panel * strip_count + s) * kStripSums, strips[static_cast<size_t>(s)].count,
                              states[static_cast<size_t>(s)], channels(), target + panel * kPanelColumns);
      }
    }
  }

  Context& context_;
  const int64_t tokens_, heads_, width_;
  const int64_t key_panels_, head_elements_;  // of one frame's head, packed
};

}  // namespace

bool panels_suit_heads(const Context& context, int64_t width) { return context.matrix && width % kPanelColumns == 0; }

void panel_attention(Context& context, const Tensor& qkv, int64_t heads, Tensor& y) {
  const Shape& shape = y.shape();
  const int64_t frames = shape[0], tokens = shape.rows() / frames, channels = shape.back();
  const PanelAttention attention(context, tokens, heads, channels / heads);
  const int64_t group = attention.frames_at_a_time(frames);
  const Buffer packed =
      context.pool.allocate(static_cast<size_t>(2 * group * heads * attention.head_elements()) * sizeof(bf16));
  for (int64_t frame = 0; frame < frames; frame += group) {
    attention.run(qkv.data<bf16>().data() + frame * tokens * 3 * channels, std::min(group, frames - frame),
                  reinterpret_cast<bf16*>(packed.data()), y.data<bf16>().data() + frame * tokens * channels);
  }
}

}  // namespace svd::cpu
