#include "tensor_file.h"

#include "checkpoint/safetensors.h"

namespace svd::cli {

void TensorFile::keep(const TensorRecord& record) {
  const auto bytes = record.u8.empty() ? std::as_bytes(record.f32) : std::as_bytes(record.u8);
  Entry& entry = entries_[std::string(record.name)];
  entry.bytes.assign(bytes.begin(), bytes.end());
  entry.info = {Shape(record.shape), record.u8.empty() ? DType::f32 : DType::u8};
}

void TensorFile::write() const {
  std::map<std::string, TensorBytes, std::less<>> tensors;
  for (const auto& [name, entry] : entries_) tensors[name] = {entry.info, entry.bytes};
  write_safetensors(path_, tensors);
}

}  // namespace svd::cli
