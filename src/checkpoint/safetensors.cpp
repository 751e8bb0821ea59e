#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/fail.h"
#include "checkpoint/safetensors_header.h"

namespace svd {

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path.string()), file_(path) {
  SafetensorsHeader header = parse_safetensors(file_.bytes(), path_);
  metadata_ = std::move(header.metadata);
  for (auto& [name, entry] : header.tensors) {
    if (const auto type = dtype_of_safetensors(entry.type)) {
      index_.emplace(name, TensorInfo{.shape = entry.shape, .type = *type});
      places_.emplace(name, Place{.begin = entry.begin, .end = entry.end});
    } else {
      other_types_.emplace(name, std::move(entry.type));
    }
  }
}

std::span<const std::byte> SafetensorsFile::read(std::string_view name, std::vector<std::byte>& storage) const {
  const auto place = places_.find(name);
  if (place == places_.end()) {
    if (const auto other = other_types_.find(name); other != other_types_.end()) {
      fail(ErrorCode::bad_file, "{}: tensor {} is of type {}; expected F32, F16, BF16 or U8", path_, quoted_name(name),
           other->second);
    }
    fail(ErrorCode::bad_file, "{}: the file has no tensor {}", path_, quoted_name(name));
  }
  const auto [begin, end] = place->second;
  const auto bytes = file_.bytes().subspan(begin, end - begin);
  if (begin % size_of(index_.find(name)->second.type) == 0) return bytes;  // the mapping itself is page-aligned
  storage.assign(bytes.begin(), bytes.end());
  return storage;
}

std::optional<std::string> SafetensorsFile::foreign_type(std::string_view name) const {
  const auto it = other_types_.find(name);
  return it == other_types_.end() ? std::nullopt : std::optional(it->second);
}

void SafetensorsFile::release(std::string_view prefix) const {
  std::vector<Place> places;
  for (auto it = places_.lower_bound(prefix); it != places_.end() && it->first.starts_with(prefix); ++it) {
    places.push_back(it->second);
  }
  std::ranges::sort(places, {}, &Place::begin);
  // Adjacent tensors are released together: a page shared by two of them can be dropped only if both are in the range.
  for (size_t i = 0; i < places.size();) {
    Place range = places[i++];
    while (i < places.size() && places[i].begin == range.end) range.end = places[i++].end;
    file_.release(range.begin, range.end - range.begin);
  }
}

}  // namespace svd
