#include "ops/host_backend.h"

#include "base/process_memory.h"
#include "tensor/convert.h"

namespace svd {

uint64_t HostBackend::available_memory() const { return available_host_memory(); }

void HostBackend::do_upload(std::span<const float> values, Tensor& to) {
  if (plans_only()) return;
  convert(std::as_bytes(values), DType::f32, {to.raw(), to.bytes()}, to.type());
}

// What is planned has no values: the caller's stay as they are.
void HostBackend::do_download(const Tensor& from, std::span<float> values) {
  if (plans_only()) return;
  convert({from.raw(), from.bytes()}, from.type(), std::as_writable_bytes(values), DType::f32);
}

}  // namespace svd
