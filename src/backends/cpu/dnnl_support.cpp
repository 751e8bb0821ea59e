#include "backends/cpu/dnnl_support.h"

#include <omp.h>

#include "backends/cpu/kernels/kernels.h"
#include "base/fail.h"

namespace svd::cpu {

dnnl::memory::data_type dnnl_type(DType type) {
  ensure(type == DType::f32 || type == DType::bf16, "oneDNN: no use for {}", name_of(type));
  return type == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

Runtime::Runtime(Threads threads, DType activation, BufferPool& pool, const kernels::Bf16Kernels* bf16)
    : threads(threads),
      activation(activation),
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

// The number of threads of the next parallel region is a variable of the calling thread in OpenMP.
ThreadLimit::ThreadLimit(int count) : before_(omp_get_max_threads()) {
#ifdef SVD_PARALLEL_STD
  count = 1;  // the thread sanitizer cannot follow libgomp's synchronisation
#endif
  omp_set_num_threads(count);
}

ThreadLimit::~ThreadLimit() { omp_set_num_threads(before_); }

namespace {

PackedMatrix allocate(Runtime& runtime, const dnnl::memory::desc& desc) {
  PackedMatrix packed;
  packed.buffer = runtime.pool.allocate(desc.get_size());
  packed.memory = runtime.wrap(desc, packed.buffer.data());
  return packed;
}

void reorder(Runtime& runtime, const dnnl::memory& from, const dnnl::memory& to) {
  const ThreadLimit limit(runtime.threads.count());
  dnnl::reorder(from, to).execute(runtime.stream, const_cast<dnnl::memory&>(from), const_cast<dnnl::memory&>(to));
  runtime.stream.wait();
}

}  // namespace

PackedMatrix pack(Runtime& runtime, const RawWeight& weight, const dnnl::memory::desc& plain,
                  const dnnl::memory::desc& desc, float scale) {
  PackedMatrix packed = allocate(runtime, desc);
  if (scale == 1.0f) {
    reorder(runtime, runtime.wrap(plain, weight.data), packed.memory);
    return packed;
  }
  const std::vector<float> scaled = widened(&weight, scale);
  dnnl::memory::desc plain_f32 = plain;
  plain_f32.data.data_type = dnnl_f32;
  reorder(runtime, runtime.wrap(plain_f32, scaled.data()), packed.memory);
  return packed;
}

PackedMatrix repack(Runtime& runtime, const PackedMatrix& from, const dnnl::memory::desc& desc) {
  PackedMatrix packed = allocate(runtime, desc);
  reorder(runtime, from.memory, packed.memory);
  return packed;
}

std::vector<float> widened(const RawWeight* weight, float scale) {
  if (!weight) return {};
  const int64_t n = weight->shape.numel();
  std::vector<float> values(static_cast<size_t>(n));
  if (weight->type == DType::bf16) {
    kernels::to_f32(reinterpret_cast<const bf16*>(weight->data), n, values.data());
  } else {
    kernels::to_f32(reinterpret_cast<const float*>(weight->data), n, values.data());
  }
  if (scale != 1.0f) {
    for (float& v : values) v *= scale;
  }
  return values;
}

ResidualKind residual_kind(const Operand& residual) {
  if (!residual) return ResidualKind::none;
  return residual.owns() ? ResidualKind::in_place : ResidualKind::separate;
}

}  // namespace svd::cpu
