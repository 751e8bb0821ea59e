// How a module finds its weights: by path, as the checkpoint names them.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensor_source.h"
#include "ops/backend.h"

namespace svd {

// Reads the weights of one part of a model for one backend. A tensor that is missing or has the wrong shape does not
// stop it, so that finish() can report all of them at once. Not thread-safe.
class WeightLoader {
 public:
  // `source` may be null for a backend that only plans: every tensor counts as present. `on_bytes`, if given, is called
  // after each tensor with the number of bytes read from the source so far; an exception it throws ends the loading.
  WeightLoader(const TensorSource* source, Backend& backend, std::function<void(uint64_t)> on_bytes = {});

  Backend& backend() { return backend_; }
  const TensorSource* source() const { return source_; }

  // Asks for a tensor. False when it has no values: the file lacks it, or the backend only plans.
  // Otherwise `weight` points into the source or into `storage`, in the type that the source has.
  bool fetch(const std::string& name, const Shape& shape, RawWeight& weight, std::vector<std::byte>& storage);

  // Notes a tensor that published files contain although the network does not need it.
  void note_unused(const std::string& name, const Shape& shape) { unused_[name] = shape; }

  // Throws Error(bad_file) that lists the tensors that are missing or have the wrong shape or type, if there are any.
  void finish(std::string_view part) const;

  // The missing tensors in words, to follow "the model lacks", and the unused tensors of the same shape that may be
  // them under other names. Requires that something is missing.
  std::string missing_summary() const;

  const std::map<std::string, Shape>& needed() const { return needed_; }
  const std::map<std::string, Shape>& unused() const { return unused_; }
  const std::vector<std::string>& missing() const { return missing_; }
  const std::vector<std::string>& misshapen() const { return misshapen_; }  // one clause each

 private:
  // The unused tensor with the shape of `missing` and the most similar name; empty if there is none.
  std::string unused_tensor_like(const std::string& missing, const std::set<std::string>& excluded) const;

  const TensorSource* source_;
  Backend& backend_;
  std::function<void(uint64_t)> on_bytes_;
  uint64_t bytes_ = 0;
  std::map<std::string, Shape> needed_, unused_;
  std::vector<std::string> missing_, misshapen_;
};

// The names as a list, "a.0.b.weight, a.0.b.bias"; when there are many, grouped by path with the number in each group.
std::string summarize_names(const std::vector<std::string>& names);

enum class Bias { no, yes };

// A path in the checkpoint, such as "model.diffusion_model.input_blocks.1.0". Cheap to copy.
class WeightScope {
 public:
  WeightScope(WeightLoader& loader, std::string path) : loader_(&loader), path_(std::move(path)) {}

  WeightScope operator/(std::string_view child) const { return {*loader_, path_of(child)}; }
  WeightScope operator/(int64_t child) const { return *this / std::to_string(child); }

  // Each takes the module's name; its tensors are <name>.weight and <name>.bias. They are packed by the backend, which
  // is told their role; the role is the kind of layer unless it is given.
  NormWeights norm(std::string_view name, int64_t channels, float epsilon) const;
  Conv2dWeights conv2d(std::string_view name, const Conv2dSpec& spec, Bias bias = Bias::yes,
                       WeightRole role = WeightRole::convolution) const;
  TemporalConvWeights temporal_conv(std::string_view name, int64_t in, int64_t out, float scale = 1.0f,
                                    WeightRole role = WeightRole::temporal_conv) const;
  LinearWeights linear(std::string_view name, int64_t in, int64_t out, Bias bias = Bias::yes,
                       WeightRole role = WeightRole::projection) const;
  // Several modules of the same input and output width, stacked into one.
  LinearWeights stacked(std::span<const std::string_view> names, int64_t in, int64_t out, Bias bias) const;
  // A 1x1 convolution: kernel [out, in, 1, 1].
  LinearWeights pointwise(std::string_view name, int64_t in, int64_t out,
                          WeightRole role = WeightRole::projection) const;
  LinearWeights stacked_pointwise(std::span<const std::string_view> names, int64_t in, int64_t out) const;
  VectorLinearWeights vector_linear(std::string_view name, int64_t in, int64_t out, Bias bias = Bias::yes) const;

  // Tensors that are not <name>.weight: full names below this path.
  LinearWeights linear_tensors(std::string_view weight, std::string_view bias, int64_t in, int64_t out) const;
  // A matrix [in, out] that is applied as x W.
  VectorLinearWeights transposed_vector_linear(std::string_view weight, int64_t in, int64_t out) const;
  FeedForwardWeights feed_forward(std::string_view norm_name, std::string_view name, int64_t width) const;
  Tensor table(std::string_view name, const Shape& shape) const;  // float32
  float mix_factor(std::string_view name) const;                  // the sigmoid of a tensor [1]

  void unused(std::string_view name, const Shape& shape) const { loader_->note_unused(path_of(name), shape); }

 private:
  struct Raw {  // a weight with the memory it may need
    RawWeight weight;
    std::vector<std::byte> storage;
    bool present = false;
  };
  std::string path_of(std::string_view child) const;
  Raw raw(std::string_view name, const Shape& shape, WeightRole role) const;
  enum class Kernel { matrix, pointwise };  // [out, in], or [out, in, 1, 1]
  LinearWeights stacked_of(Kernel kernel, std::span<const std::string_view> names, int64_t in, int64_t out, Bias bias,
                           WeightRole role) const;
  // False when one of them is missing: what depends on it is skipped, and the loader reports it in finish().
  bool usable(std::initializer_list<const Raw*> raws) const;

  WeightLoader* loader_;
  std::string path_;
};

}  // namespace svd
