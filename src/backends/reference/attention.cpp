// Attention, one query at a time: only one row of scores exists.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backends/reference/backend_class.h"

namespace svd::reference {
namespace {

double dot(const float* a, const float* b, int64_t n) {
  constexpr int64_t kLanes = 8;  // separate sums, so that the compiler may add several at a time
  double sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) sums[j] += static_cast<double>(a[i + j]) * b[i + j];
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(a[i]) * b[i];
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

// Keys and values of one head: row j is at keys + j * stride and values + j * stride.
struct Memory {
  const float* keys;
  const float* values;
  int64_t stride;
  int64_t count;
  int64_t width;
};

// The answer to one query: softmax(q k' / sqrt(width)) v. The vectors are room to work in.
void attend(const float* query, const Memory& memory, float* result, std::vector<double>& scores,
            std::vector<double>& sums) {
  const double scale = 1 / std::sqrt(static_cast<double>(memory.width));
  scores.resize(static_cast<size_t>(memory.count));
  for (int64_t j = 0; j < memory.count; ++j) {
    scores[static_cast<size_t>(j)] = scale * dot(query, memory.keys + j * memory.stride, memory.width);
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  sums.assign(static_cast<size_t>(memory.width), 0);
  double total = 0;
  for (int64_t j = 0; j < memory.count; ++j) {
    const double weight = std::exp(scores[static_cast<size_t>(j)] - largest);
    const float* value = memory.values + j * memory.stride;
    for (int64_t c = 0; c < memory.width; ++c) sums[static_cast<size_t>(c)] += weight * value[c];
    total += weight;
  }
  for (int64_t c = 0; c < memory.width; ++c) result[c] = static_cast<float>(sums[static_cast<size_t>(c)] / total);
}

// What attends to what: rows first, first + step, ... of the matrix belong together.
struct Sequences {
  int64_t count;       // of sequences
  int64_t length;      // of each
  int64_t first_step;  // from a sequence's first row to the next sequence's
  int64_t step;        // from row to row within a sequence
};

void attend_all(const Threads& threads, const Tensor& qkv, const Sequences& sequences, int64_t heads, Tensor& result) {
  const int64_t channels = result.shape().back();
  const int64_t width = channels / heads;
  const float* input = qkv.data<float>().data();  // [rows, 3 C]
  float* output = result.data<float>().data();    // [rows, C]
  threads.for_ranges(sequences.count * heads * sequences.length, [&](int64_t begin, int64_t end) {
    std::vector<double> scores, sums;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t sequence = task / (heads * sequences.length);
      const int64_t head = task / sequences.length % heads;
      const int64_t first = sequence * sequences.first_step;
      const int64_t row = first + task % sequences.length * sequences.step;
      const float* base = input + first * 3 * channels + head * width;
      const Memory memory{.keys = base + channels,
                          .values = base + 2 * channels,
                          .stride = sequences.step * 3 * channels,
                          .count = sequences.length,
                          .width = width};
      const float* query = input + row * 3 * channels + head * width;
      attend(query, memory, output + row * channels + head * width, scores, sums);
    }
  });
}

}  // namespace

Tensor ReferenceBackend::do_attention(const Tensor& qkv, const Shape& result_shape, int64_t heads) {
  Tensor result = new_result(result_shape);  // [T, ..., C]
  const int64_t frames = result_shape[0], tokens = result_shape.rows() / frames;
  attend_all(threads_, qkv, {.count = frames, .length = tokens, .first_step = tokens, .step = 1}, heads, result);
  return result;
}

Tensor ReferenceBackend::do_temporal_attention(const Tensor& qkv, const Shape& result_shape, int64_t heads) {
  Tensor result = new_result(result_shape);  // [T, ..., C]
  const int64_t frames = result_shape[0], positions = result_shape.rows() / frames;
  attend_all(threads_, qkv, {.count = positions, .length = frames, .first_step = 1, .step = positions}, heads, result);
  return result;
}

}  // namespace svd::reference
