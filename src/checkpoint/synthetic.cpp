#include "checkpoint/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_header.h"
#include "tensor/convert.h"

namespace svd {
namespace {

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

// SplitMix64's output function, its upper 24 bits as a float; every step is exact.
float uniform(uint64_t state) {
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  z = z ^ (z >> 31);
  return static_cast<float>(static_cast<int32_t>(z >> 40)) * 0x1p-23f - 1.0f;
}

// offset + scale u
struct Rule {
  float offset = 0;
  float scale = 1;
};

Rule rule_of(std::string_view name, const Shape& shape) {
  if (name.ends_with("mix_factor")) return {};
  if (name.ends_with("positional_embedding") || name.ends_with("class_embedding")) return {.scale = 0.1f};
  if (shape.numel() == 0) return {};  // no values; keeps the divisions below away from zero
  const auto unit_variance = [](double terms) { return static_cast<float>(std::sqrt(3.0 / terms)); };
  if (name.ends_with("visual.proj") && shape.rank() > 0) return {.scale = unit_variance(static_cast<double>(shape[0]))};
  if (shape.rank() >= 2) {
    const int64_t terms = shape.numel() / shape[0];
    return {.scale = unit_variance(static_cast<double>(terms))};
  }
  if (shape.rank() == 1 && name.ends_with(".weight")) return {.offset = 1.0f, .scale = 0.1f};
  return {.scale = 0.05f};
}

void fill(Rule rule, uint64_t hash, int64_t first_element, std::span<float> out) {
  constexpr uint64_t kStep = 0x9E3779B97F4A7C15u;
  const uint64_t start = (static_cast<uint64_t>(first_element) + 1) * kStep + hash;
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = rule.offset + rule.scale * uniform(start + static_cast<uint64_t>(i) * kStep);
  }
}

// Fills `target` with elements from `first` on, in the type of `info`. Its size determines how many.
void fill_typed(std::string_view name, const TensorInfo& info, int64_t first, std::span<std::byte> target,
                const Threads& threads) {
  const Rule rule = rule_of(name, info.shape);
  const uint64_t hash = fnv1a(name);
  const size_t element = size_of(info.type);
  threads.for_ranges(static_cast<int64_t>(target.size() / element), [&](int64_t begin, int64_t end) {
    std::array<float, 2048> block;  // stays in the first-level cache
    for (int64_t i = begin; i < end; i += static_cast<int64_t>(block.size())) {
      const size_t n = std::min(block.size(), static_cast<size_t>(end - i));
      fill(rule, hash, first + i, std::span(block).first(n));
      convert(std::as_bytes(std::span(block).first(n)), DType::f32,
              target.subspan(static_cast<size_t>(i) * element, n * element), info.type);
    }
  });
}

TensorSource::Index index_of(const ShapeList& shapes, DType type) {
  if (type == DType::u8) fail(ErrorCode::invalid_argument, "synthetic weights: expected f32, bf16 or f16, found u8");
  TensorSource::Index index;
  for (const auto& [name, shape] : shapes) index.emplace(name, TensorInfo{.shape = shape, .type = type});
  return index;
}

}  // namespace

void synthetic_uniform(std::string_view name, int64_t first_element, std::span<float> out) {
  fill({}, fnv1a(name), first_element, out);
}

void synthetic_values(std::string_view name, const Shape& shape, int64_t first_element, std::span<float> out) {
  fill(rule_of(name, shape), fnv1a(name), first_element, out);
}

ShapeList read_shape_list(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) fail(ErrorCode::bad_file, "{}: cannot be opened", path.string());
  try {
    ShapeList shapes;
    const auto list = nlohmann::json::parse(stream);
    for (const auto& [name, sizes] : list.items()) {
      shapes.emplace(name, Shape(sizes.get<std::vector<int64_t>>()));
    }
    return shapes;
  } catch (const std::exception& error) {  // from the JSON library or Shape
    fail(ErrorCode::bad_file, "{}: expected a JSON object of the form {{\"name\": [sizes]}}: {}", path.string(),
         error.what());
  }
}

SyntheticSource::SyntheticSource(const ShapeList& shapes, DType type, Threads threads)
    : index_(index_of(shapes, type)), threads_(threads) {}

std::span<const std::byte> SyntheticSource::read(std::string_view name, std::vector<std::byte>& storage) const {
  const auto it = index_.find(name);
  if (it == index_.end()) fail(ErrorCode::bad_file, "{} have no tensor {}", describe(), quoted_name(name));
  storage.resize(static_cast<size_t>(it->second.shape.numel()) * size_of(it->second.type));
  fill_typed(name, it->second, 0, storage, threads_);
  return storage;
}

void write_synthetic(const std::filesystem::path& path, const ShapeList& shapes, DType type, const Threads& threads,
                     const std::function<void(double)>& progress) {
  constexpr int64_t kBlock = int64_t{4} << 20;  // elements: enough work for all threads, little memory
  const TensorSource::Index index = index_of(shapes, type);
  double total = 0, done = 0;
  for (const auto& [name, info] : index) total += static_cast<double>(info.shape.numel());

  SafetensorsWriter writer(path, {index.begin(), index.end()}, {{"origin", "synthetic weights of svd.cpp"}});
  std::vector<std::byte> block;
  for (const auto& [name, info] : index) {
    const int64_t n = info.shape.numel();
    int64_t first = 0;
    do {  // at least once: a tensor without elements is written too
      const int64_t count = std::min(kBlock, n - first);
      block.resize(static_cast<size_t>(count) * size_of(type));
      fill_typed(name, info, first, block, threads);
      writer.append(name, block);
      first += count;
      done += static_cast<double>(count);
      if (progress && total > 0) progress(done / total);
    } while (first < n);
  }
  writer.finish();
}

}  // namespace svd
