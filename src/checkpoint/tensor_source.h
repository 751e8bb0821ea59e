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

// Names, shapes and contents of tensors. const use is thread-safe.
class TensorSource {
 public:
  using Index = std::map<std::string, TensorInfo, std::less<>>;  // ordered: parts are ranges of names

  virtual ~TensorSource() = default;

  virtual std::string describe() const = 0;  // for messages: the file's path
  virtual const Index& index() const = 0;

  // The bytes of a tensor of the index, in its own type. Points into the source when it can (a mapped file), else
  // into `storage`, which is then overwritten. Throws Error.
  virtual std::span<const std::byte> read(std::string_view name, std::vector<std::byte>& storage) const = 0;

  // The type, as the file writes it, of a tensor that is there but of a type this program does not compute with (and so
  // not in the index).
  virtual std::optional<std::string> foreign_type(std::string_view name) const {
    (void)name;
    return std::nullopt;
  }

  // Says that the tensors whose names begin with `prefix` have been used and their pages may go.
  virtual void release(std::string_view prefix) const { (void)prefix; }
};

}  // namespace svd
