#include "backends/cpu/runtime.h"

#include "backends/cpu/dnnl_support.h"

namespace svd::cpu {

Runtime::Runtime(Threads threads, Numerics numerics, BufferPool& pool, const kernels::Bf16Kernels* bf16)
    : threads(threads),
      numerics(numerics),
      pool(pool),
      bf16(bf16),
      engine(dnnl::engine::kind::cpu, 0),
      stream(engine) {}

dnnl::memory Runtime::wrap(const dnnl::memory::desc& desc, const void* data) const {
  return dnnl::memory(desc, engine, const_cast<void*>(data));  // oneDNN has no const memory; inputs are only read
}

void Runtime::run(const dnnl::primitive& primitive, const std::unordered_map<int, dnnl::memory>& arguments) {
  const ThreadLimit limit(threads.count());
  primitive.execute(stream, arguments);
  stream.wait();
}

}  // namespace svd::cpu
