#include "models/weight_scope.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/fail.h"
#include "checkpoint/safetensors_header.h"

namespace svd {
namespace {

size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// How many characters two names share at their beginnings and ends: a renamed tensor keeps most of its path.
size_t name_likeness(std::string_view a, std::string_view b) {
  const size_t front = common_prefix(a, b);
  a.remove_prefix(front);
  b.remove_prefix(front);
  const auto back = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
  return front + static_cast<size_t>(back);
}

}  // namespace

WeightLoader::WeightLoader(const TensorSource* source, Backend& backend, std::function<void(uint64_t)> on_bytes)
    : source_(source), backend_(backend), on_bytes_(std::move(on_bytes)) {
  ensure(source_ || backend_.plans_only(), "loading weights needs a source, except on a planning backend");
}

bool WeightLoader::fetch(const std::string& name, const Shape& shape, RawWeight& weight,
                         std::vector<std::byte>& storage) {
  needed_[name] = shape;
  weight = {shape, DType::f32, nullptr};
  if (!source_) return false;
  const auto it = source_->index().find(name);
  if (it == source_->index().end()) {
    if (const auto type = source_->foreign_type(name)) {
      misshapen_.push_back(fmt::format("{} is of type {}, expected F32, F16 or BF16", name, *type));
    } else {
      missing_.push_back(name);
    }
    return false;
  }
  const TensorInfo& info = it->second;
  if (info.shape != shape) {
    misshapen_.push_back(fmt::format("{} has shape {}, expected {}", name, info.shape.str(), shape.str()));
    return false;
  }
  if (info.type == DType::u8) {
    misshapen_.push_back(fmt::format("{} is of type U8, expected F32, F16 or BF16", name));
    return false;
  }
  if (backend_.plans_only()) return false;
  std::span<const std::byte> bytes = source_->read(name, storage);
  bytes_ += bytes.size();
  weight.type = info.type;
  weight.data = bytes.data();
  if (on_bytes_) on_bytes_(bytes_);
  return true;
}

void WeightLoader::finish(std::string_view part) const {
  if (missing_.empty() && misshapen_.empty()) return;
  std::string message = fmt::format("{}: ", source_->describe());
  if (!missing_.empty()) message += fmt::format("the {} lacks {}. ", part, missing_summary());
  if (!misshapen_.empty()) {
    const size_t shown = std::min<size_t>(misshapen_.size(), 5);
    message += fmt::format("{} {} cannot use {} of its tensors: {}{}. ", missing_.empty() ? "the" : "The", part,
                           misshapen_.size(), fmt::join(std::span(misshapen_).first(shown), "; "),
                           misshapen_.size() > shown ? fmt::format("; and {} more", misshapen_.size() - shown) : "");
  }
  fail(ErrorCode::bad_file,
       "{}Is it a Stable Video Diffusion checkpoint of this version? `svd info FILE` shows what is in it", message);
}

std::string WeightLoader::missing_summary() const {
  constexpr size_t kMostExamined = 8, kMostHints = 3;
  const bool one = missing_.size() == 1;
  std::string text = one ? fmt::format("{} {}", missing_[0], needed_.at(missing_[0]).str())
                         : fmt::format("{} tensors: {}", missing_.size(), summarize_names(missing_));
  std::set<std::string> hints;
  for (const std::string& name : std::span(missing_).first(std::min(missing_.size(), kMostExamined))) {
    const std::string other = unused_tensor_like(name, hints);
    if (other.empty()) continue;
    text += fmt::format("{} an unused {} of the same shape{}", hints.empty() ? "; the file has" : ", and",
                        quoted_name(other), one ? "" : " as " + name);
    hints.insert(other);
    if (hints.size() == kMostHints) break;
  }
  return text;
}

std::string WeightLoader::unused_tensor_like(const std::string& missing, const std::set<std::string>& excluded) const {
  // Other parts' tensors are not unused: look only below the path that all names of this loader share.
  const std::string &first = needed_.begin()->first, &last = needed_.rbegin()->first;
  const std::string shared = first.substr(0, common_prefix(first, last));
  const std::string path = shared.substr(0, shared.rfind('.') + 1);  // "" when nothing is shared: npos + 1 is 0

  const Shape& shape = needed_.at(missing);
  std::string best;
  size_t best_likeness = missing.size() / 2;  // less than half the name in common: not the same tensor
  const TensorSource::Index& index = source_->index();
  for (auto it = index.lower_bound(path); it != index.end() && it->first.starts_with(path); ++it) {
    const auto& [name, info] = *it;
    if (info.shape != shape || needed_.contains(name) || unused_.contains(name) || excluded.contains(name)) continue;
    const size_t likeness = name_likeness(name, missing);
    if (likeness > best_likeness) {
      best = name;
      best_likeness = likeness;
    }
  }
  return best;
}

std::string summarize_names(const std::vector<std::string>& names) {
  constexpr size_t kFew = 8;
  if (names.size() <= kFew) return fmt::format("{}", fmt::join(names, ", "));
  // Too many to list: group them by path, as deep as keeps the number of groups small.
  std::vector<std::string> groups;
  for (size_t depth = 8; depth >= 1; --depth) {
    std::map<std::string, std::pair<size_t, std::string>> counts;  // path -> number, example
    for (const std::string& name : names) {
      size_t end = 0;
      for (size_t i = 0; i < depth && end != std::string::npos; ++i) end = name.find('.', end == 0 ? 0 : end + 1);
      auto& [count, example] = counts[end == std::string::npos ? name : name.substr(0, end)];
      if (count++ == 0) example = name;
    }
    groups.clear();
    for (const auto& [path, entry] : counts) {
      groups.push_back(entry.first == 1 ? entry.second : fmt::format("{}.* ({})", path, entry.first));
    }
    if (groups.size() <= kFew) break;
  }
  if (groups.size() > kFew) {
    const size_t more = groups.size() - kFew;
    groups.resize(kFew);
    groups.push_back(fmt::format("and {} more groups", more));
  }
  return fmt::format("{}", fmt::join(groups, ", "));
}

std::string WeightScope::path_of(std::string_view child) const {
  return path_.empty() ? std::string(child) : fmt::format("{}.{}", path_, child);
}

WeightScope::Raw WeightScope::raw(std::string_view name, const Shape& shape, WeightRole role) const {
  Raw r;
  r.present = loader_->fetch(path_of(name), shape, r.weight, r.storage);
  r.weight.role = role;
  return r;
}

bool WeightScope::usable(std::initializer_list<const Raw*> raws) const {
  if (loader_->backend().plans_only()) return true;
  return std::all_of(raws.begin(), raws.end(), [](const Raw* r) { return r->present; });
}

NormWeights WeightScope::norm(std::string_view name, int64_t channels, float epsilon) const {
  const WeightScope here = *this / name;
  const Raw gamma = here.raw("weight", {channels}, WeightRole::norm);
  const Raw beta = here.raw("bias", {channels}, WeightRole::norm);
  if (!usable({&gamma, &beta})) return {channels, epsilon, {}};
  return loader_->backend().pack_norm(gamma.weight, beta.weight, epsilon);
}

Conv2dWeights WeightScope::conv2d(std::string_view name, const Conv2dSpec& spec, Bias bias, WeightRole role) const {
  const WeightScope here = *this / name;
  const Raw kernel = here.raw("weight", {spec.out_channels, spec.in_channels, spec.kernel, spec.kernel}, role);
  if (bias == Bias::no) {
    return usable({&kernel}) ? loader_->backend().pack_conv2d(spec, kernel.weight, nullptr) : Conv2dWeights{spec, {}};
  }
  const Raw b = here.raw("bias", {spec.out_channels}, role);
  if (!usable({&kernel, &b})) return {spec, {}};
  return loader_->backend().pack_conv2d(spec, kernel.weight, &b.weight);
}

TemporalConvWeights WeightScope::temporal_conv(std::string_view name, int64_t in, int64_t out, float scale,
                                               WeightRole role) const {
  const WeightScope here = *this / name;
  const Raw kernel = here.raw("weight", {out, in, 3, 1, 1}, role);
  const Raw bias = here.raw("bias", {out}, role);
  if (!usable({&kernel, &bias})) return {in, out, {}};
  return loader_->backend().pack_temporal_conv(kernel.weight, bias.weight, scale);
}

LinearWeights WeightScope::stacked_of(Kernel kernel, std::span<const std::string_view> names, int64_t in, int64_t out,
                                      Bias bias, WeightRole role) const {
  std::vector<Raw> matrices, biases;
  bool complete = true;
  for (const std::string_view name : names) {
    const WeightScope here = *this / name;
    matrices.push_back(here.raw("weight", kernel == Kernel::pointwise ? Shape{out, in, 1, 1} : Shape{out, in}, role));
    complete &= usable({&matrices.back()});
    if (bias == Bias::no) continue;
    biases.push_back(here.raw("bias", {out}, role));
    complete &= usable({&biases.back()});
  }
  if (!complete) return {in, out * static_cast<int64_t>(names.size()), {}};
  std::vector<RawWeight> m, b;
  for (Raw& r : matrices) {
    r.weight.shape = {out, in};
    m.push_back(r.weight);
  }
  for (const Raw& r : biases) b.push_back(r.weight);
  return loader_->backend().pack_linear(m, b);
}

LinearWeights WeightScope::linear(std::string_view name, int64_t in, int64_t out, Bias bias, WeightRole role) const {
  return stacked_of(Kernel::matrix, {&name, 1}, in, out, bias, role);
}

LinearWeights WeightScope::stacked(std::span<const std::string_view> names, int64_t in, int64_t out, Bias bias) const {
  return stacked_of(Kernel::matrix, names, in, out, bias, WeightRole::projection);
}

LinearWeights WeightScope::pointwise(std::string_view name, int64_t in, int64_t out, WeightRole role) const {
  return stacked_of(Kernel::pointwise, {&name, 1}, in, out, Bias::yes, role);
}

LinearWeights WeightScope::stacked_pointwise(std::span<const std::string_view> names, int64_t in, int64_t out) const {
  return stacked_of(Kernel::pointwise, names, in, out, Bias::yes, WeightRole::projection);
}

VectorLinearWeights WeightScope::vector_linear(std::string_view name, int64_t in, int64_t out, Bias bias) const {
  const WeightScope here = *this / name;
  const Raw matrix = here.raw("weight", {out, in}, WeightRole::embedding);
  if (bias == Bias::no) {
    if (!usable({&matrix})) return {in, out, {}};
    return loader_->backend().pack_vector_linear(matrix.weight, nullptr);
  }
  const Raw b = here.raw("bias", {out}, WeightRole::embedding);
  if (!usable({&matrix, &b})) return {in, out, {}};
  return loader_->backend().pack_vector_linear(matrix.weight, &b.weight);
}

LinearWeights WeightScope::linear_tensors(std::string_view weight, std::string_view bias, int64_t in,
                                          int64_t out) const {
  const Raw matrix = raw(weight, {out, in}, WeightRole::projection);
  const Raw b = raw(bias, {out}, WeightRole::projection);
  if (!usable({&matrix, &b})) return {in, out, {}};
  return loader_->backend().pack_linear({&matrix.weight, 1}, {&b.weight, 1});
}

VectorLinearWeights WeightScope::transposed_vector_linear(std::string_view weight, int64_t in, int64_t out) const {
  const Raw matrix = raw(weight, {in, out}, WeightRole::embedding);
  if (!usable({&matrix})) return {in, out, {}};
  std::vector<float> transposed;  // [out, in]
  if (matrix.present) {
    const std::vector<float> values = to_floats(matrix.weight);
    transposed.resize(values.size());
    for (size_t i = 0; i < static_cast<size_t>(in); ++i) {
      for (size_t o = 0; o < static_cast<size_t>(out); ++o) {
        transposed[o * static_cast<size_t>(in) + i] = values[i * static_cast<size_t>(out) + o];
      }
    }
  }
  const RawWeight packed{.shape = {out, in},
                         .type = DType::f32,
                         .data = reinterpret_cast<const std::byte*>(transposed.data()),
                         .role = matrix.weight.role};
  return loader_->backend().pack_vector_linear(packed, nullptr);
}

FeedForwardWeights WeightScope::feed_forward(std::string_view norm_name, std::string_view name, int64_t width) const {
  constexpr int64_t kExpansion = 4;
  constexpr WeightRole role = WeightRole::feed_forward;
  const int64_t inner = kExpansion * width;
  NormWeights before = norm(norm_name, width, 1e-5f);
  const WeightScope net = *this / name / "net";
  const Raw w1 = net.raw("0.proj.weight", {2 * inner, width}, role), b1 = net.raw("0.proj.bias", {2 * inner}, role);
  const Raw w2 = net.raw("2.weight", {width, inner}, role), b2 = net.raw("2.bias", {width}, role);
  if (!usable({&w1, &b1, &w2, &b2})) return {width, inner, std::move(before), {}};
  return loader_->backend().pack_feed_forward(std::move(before), w1.weight, b1.weight, w2.weight, b2.weight);
}

Tensor WeightScope::table(std::string_view name, const Shape& shape) const {
  const Raw r = raw(name, shape, WeightRole::embedding);
  return usable({&r}) ? loader_->backend().pack_table(r.weight) : Tensor();
}

float WeightScope::mix_factor(std::string_view name) const {
  const Raw r = raw(name, {1}, WeightRole::embedding);
  const float x = r.present ? to_floats(r.weight)[0] : 0.0f;
  return 1.0f / (1.0f + std::exp(-x));
}

}  // namespace svd
