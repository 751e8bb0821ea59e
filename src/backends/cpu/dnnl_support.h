// What the files that call oneDNN share.
#pragma once

#include <dnnl.hpp>
#include <vector>

#include "backends/cpu/runtime.h"
#include "ops/backend.h"

namespace svd::cpu {

inline constexpr auto kActivation = dnnl::memory::data_type::f32;  // what oneDNN is used for
dnnl::memory::data_type dnnl_type(DType type);                     // of weights

// Limits the threads that oneDNN's primitives, made or run on the calling thread in this scope, may use.
class ThreadLimit {
 public:
  explicit ThreadLimit(int count);
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  ~ThreadLimit();

 private:
  int before_;
};

// A weight in the layout that oneDNN's kernels want, in memory of the pool.
struct PackedMatrix {
  Buffer buffer;
  dnnl::memory memory;
};

// Allocates memory for `desc` and reorders the weight into it. `plain` describes the weight as it lies in memory;
// `scale` multiplies it on the way.
PackedMatrix pack(Runtime& runtime, const RawWeight& weight, const dnnl::memory::desc& plain,
                  const dnnl::memory::desc& desc, float scale = 1.0f);

// The same matrix in another layout.
PackedMatrix repack(Runtime& runtime, const PackedMatrix& from, const dnnl::memory::desc& desc);

// How a residual enters a primitive: in place (its memory becomes the result's), as a second input, or not at all.
enum class ResidualKind { none, in_place, separate };
ResidualKind residual_kind(const Operand& residual);

}  // namespace svd::cpu
