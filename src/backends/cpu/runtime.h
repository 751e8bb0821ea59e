// What the operations of the CPU backend work with: threads, memory, kernels and oneDNN's engine.
#pragma once

#include <dnnl.hpp>
#include <unordered_map>

#include "backends/cpu/kernels/bf16_kernels.h"
#include "base/buffer_pool.h"
#include "base/parallel.h"
#include "ops/numerics.h"

namespace svd::cpu {

// One per backend. Not thread-safe.
struct Runtime {
  Runtime(Threads threads, Numerics numerics, BufferPool& pool, const kernels::Bf16Kernels* bf16);

  dnnl::memory wrap(const dnnl::memory::desc& desc, const void* data) const;
  void run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments);

  Threads threads;
  Numerics numerics;  // f32 or bf16, the same for both
  BufferPool& pool;
  const kernels::Bf16Kernels* bf16;  // of this CPU; null in f32: then products and convolutions are oneDNN's
  dnnl::engine engine;
  dnnl::stream stream;
};

}  // namespace svd::cpu
