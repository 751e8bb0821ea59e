// Where named weight tensors come from: a file, a set of files, or a formula.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace svd {

struct TensorInfo {
  Shape shape;
  DType type = DType::f32;
};

// The names, shapes and contents of tensors. const use is thread-safe.
class TensorSource {
 public:
  using Index = std::map<std::string, TensorInfo, std::less<>>;  // ordered: a part is a range of names

  virtual ~TensorSource() = default;

  virtual std::string describe() const = 0;  // for messages: the file's path
  virtual const Index& index() const = 0;

  // The bytes of a tensor in the index, in its own type. Points into the source if possible (a mapped file), otherwise
  // into `storage`, which is then overwritten. Throws Error.
  virtual std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const = 0;

  // The type name, as the file spells it, of a tensor that the file contains but whose type is not supported. Such a
  // tensor is not in the index.
  virtual std::optional<std::string> foreign_type(std::string_view name) const {
    (void)name;
    return std::nullopt;
  }

  // A hint that the tensors whose names begin with `prefix` are no longer needed, so that their pages may be dropped.
  virtual void release(std::string_view prefix) const { (void)prefix; }
};

}  // namespace svd
