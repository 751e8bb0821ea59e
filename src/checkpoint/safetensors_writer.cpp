#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "base/checked.h"
#include "base/fail.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_header.h"

namespace svd {
namespace {

constexpr size_t kAlignment = 8;  // of the data, as in the reference library

uint64_t bytes_of(const TensorInfo& info, std::string_view name) {
  const auto bytes = checked_mul(static_cast<uint64_t>(info.shape.numel()), size_of(info.type));
  if (!bytes) fail(ErrorCode::invalid_argument, "tensor {} of {} is too large", quoted_name(name), info.shape.str());
  return *bytes;
}

std::string json_text(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::invalid_argument, "{} is not UTF-8, which a safetensors header must be", quoted_name(text));
  }
}

// Built as text, because a JSON tree would sort the tensors by name.
std::string header_of(const SafetensorsWriter::TensorList& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      text += fmt::format("{}{}:{}", text.back() == '{' ? "" : ",", json_text(key), json_text(value));
    }
    text += "}";
  }
  std::set<std::string_view> names{"__metadata__"};
  uint64_t offset = 0;
  for (const auto& [name, info] : tensors) {
    if (!names.insert(name).second) {
      fail(ErrorCode::invalid_argument, "{} cannot name a tensor: the name is already in use", quoted_name(name));
    }
    const auto end = checked_add(offset, bytes_of(info, name));
    if (!end)
      fail(ErrorCode::invalid_argument, "the tensors up to and including {} are too large for a file",
           quoted_name(name));
    text +=
        fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}", text.size() > 1 ? "," : "",
                    json_text(name), safetensors_name_of(info.type), fmt::join(info.shape.sizes(), ","), offset, *end);
    offset = *end;
  }
  text += "}";
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  return text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, TensorList tensors,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path), tensors_(std::move(tensors)) {
  const std::string header = header_of(tensors_, metadata);
  std::array<std::byte, 8> length;
  for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));

  descriptor_ = ::open(file_.temporary().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(ErrorCode::bad_file, "{}: cannot be written: {}", path.string(), std::strerror(errno));
  try {
    put(length);
    put(std::as_bytes(std::span(header)));
  } catch (...) {  // the destructor does not run for a constructor that throws
    ::close(descriptor_);
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void SafetensorsWriter::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      fail(ErrorCode::bad_file, "{}: cannot be written: {}", file_.final_path().string(), std::strerror(errno));
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> bytes) {
  if (next_ < tensors_.size() && tensors_[next_].first == name) {
    const uint64_t expected = bytes_of(tensors_[next_].second, name);
    ensure(written_ == 0 && bytes.size() == expected, "{}: tensor {} has {} bytes, expected {}",
           file_.final_path().string(), quoted_name(name), written_ + bytes.size(), expected);
  }
  append(name, bytes);
}

void SafetensorsWriter::append(std::string_view name, std::span<const std::byte> piece) {
  const std::string path = file_.final_path().string();
  ensure(descriptor_ >= 0 && next_ < tensors_.size(), "{}: tensor {} comes after the last one", path,
         quoted_name(name));
  const auto& [expected_name, info] = tensors_[next_];
  ensure(name == expected_name, "{}: tensor {} comes out of order, expected {}", path, quoted_name(name),
         quoted_name(expected_name));
  const uint64_t total = bytes_of(info, name);
  ensure(piece.size() <= total - written_, "{}: tensor {} is longer than the expected {} bytes", path,
         quoted_name(name), total);
  put(piece);
  written_ += piece.size();
  if (written_ == total) {
    ++next_;
    written_ = 0;
  }
}

void SafetensorsWriter::finish() {
  const std::string path = file_.final_path().string();
  ensure(descriptor_ >= 0, "{}: finish() was called twice", path);
  ensure(next_ == tensors_.size(), "{}: tensor {} was not written", path,
         next_ < tensors_.size() ? quoted_name(tensors_[next_].first) : "");
  if (::close(std::exchange(descriptor_, -1)) != 0) {
    fail(ErrorCode::bad_file, "{}: cannot be written: {}", path, std::strerror(errno));
  }
  file_.commit();
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorBytes, std::less<>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsWriter::TensorList list;
  for (const auto& [name, tensor] : tensors) list.emplace_back(name, tensor.info);
  SafetensorsWriter writer(path, std::move(list), metadata);
  for (const auto& [name, tensor] : tensors) writer.write(name, tensor.bytes);
  writer.finish();
}

}  // namespace svd
