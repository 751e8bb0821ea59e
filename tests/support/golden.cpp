#include "support/golden.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/fail.h"

namespace svd::test {
namespace {

template <typename T>
std::vector<T> values_of(const SafetensorsFile& file, std::string_view name) {
  std::vector<std::byte> storage;
  const auto bytes = file.read(name, storage);
  const DType type = file.index().find(name)->second.type;
  if (type != dtype_of<T>()) {
    fail(ErrorCode::bad_file, "{}: tensor \"{}\" holds {}, not {}", file.describe(), name, name_of(type),
         name_of(dtype_of<T>()));
  }
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

std::filesystem::path golden_path(std::string_view file_name) {
  return std::filesystem::path(SVD_GOLDEN_DIR) / file_name;
}

GoldenFile::GoldenFile(std::string_view file_name) : file_(golden_path(file_name)) {}

bool GoldenFile::has(std::string_view name) const { return file_.index().contains(name); }

Shape GoldenFile::shape(std::string_view name) const {
  const auto it = file_.index().find(name);
  if (it == file_.index().end()) fail(ErrorCode::bad_file, "{}: there is no tensor \"{}\"", file_.describe(), name);
  return it->second.shape;
}

std::vector<float> GoldenFile::f32(std::string_view name) const { return values_of<float>(file_, name); }
std::vector<uint8_t> GoldenFile::u8(std::string_view name) const { return values_of<uint8_t>(file_, name); }

double relative_l2(std::span<const float> found, std::span<const float> expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (found.size() != expected.size()) return kInfinity;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!std::isfinite(found[i]) || !std::isfinite(expected[i])) return kInfinity;
    const double e = expected[i], d = found[i] - e;
    difference += d * d;
    norm += e * e;
  }
  if (difference == 0) return 0;  // also when both are zero
  return std::sqrt(difference / norm);
}

}  // namespace svd::test
