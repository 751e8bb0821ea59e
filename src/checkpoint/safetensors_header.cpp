#include "checkpoint/safetensors_header.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "checkpoint/file_kind.h"
#include "checkpoint/header_events.h"

namespace svd {
namespace {

constexpr uint64_t kMaxHeader = 100'000'000;  // the reference library's limit

struct FormatType {
  std::string_view name;
  uint64_t size;
};
constexpr FormatType kTypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1},
                                 {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},     {"U32", 4},
                                 {"F32", 4},  {"I64", 8}, {"U64", 8}, {"F64", 8},     {"C64", 8}};

std::optional<uint64_t> size_of_type(std::string_view name) {
  for (const FormatType& type : kTypes) {
    if (type.name == name) return type.size;
  }
  return std::nullopt;
}

// Checks that one tensor is consistent in itself. Offsets remain relative to the start of the data.
SafetensorsEntry checked_entry(const HeaderEvents::RawEntry& raw, std::string_view path, std::string_view name) {
  const auto bad = [&](std::string_view what) {
    fail(ErrorCode::bad_file, "{}: tensor {}: {}", path, quoted_name(name), what);
  };
  if (!raw.type) bad("dtype is missing");
  if (!raw.shape) bad("shape is missing");
  if (!raw.offsets) bad("data_offsets is missing");
  if (raw.offsets->size() != 2) bad("data_offsets does not contain two numbers");

  const auto element = size_of_type(*raw.type);
  if (!element) bad(fmt::format("unknown dtype {}", quoted_name(*raw.type)));
  const std::string shape = fmt::format("shape [{}]", fmt::join(*raw.shape, ", "));
  uint64_t bytes = *element;
  for (const int64_t size : *raw.shape) {
    const auto product = checked_mul(bytes, static_cast<uint64_t>(size));
    if (!product || *product > static_cast<uint64_t>(INT64_MAX)) bad(shape + " is too large");
    bytes = *product;
  }
  const auto begin = static_cast<uint64_t>((*raw.offsets)[0]), end = static_cast<uint64_t>((*raw.offsets)[1]);
  if (begin > end) bad(fmt::format("data_offsets begin at {}, after their end at {}", begin, end));
  if (end - begin != bytes) {
    bad(fmt::format("{} of {} needs {} bytes, but data_offsets span {}", shape, *raw.type, bytes, end - begin));
  }
  return {.type = *raw.type, .shape = Shape(std::span<const int64_t>(*raw.shape)), .begin = begin, .end = end};
}

// The format requires the tensors to fill the data without gaps. Returns the length of that data.
uint64_t check_layout(const SafetensorsHeader& header, std::string_view path) {
  using Item = std::pair<const std::string, SafetensorsEntry>;
  std::vector<const Item*> order;
  for (const Item& item : header.tensors) order.push_back(&item);
  std::ranges::sort(order, {}, [](const Item* item) { return std::pair(item->second.begin, item->second.end); });
  uint64_t expected = 0;
  const Item* previous = nullptr;
  for (const Item* item : order) {
    const uint64_t begin = item->second.begin;
    if (begin < expected) {
      fail(ErrorCode::bad_file, "{}: tensors {} and {} overlap", path, quoted_name(previous->first),
           quoted_name(item->first));
    }
    if (begin > expected) {
      fail(ErrorCode::bad_file, "{}: tensor {}: {} bytes before it belong to no tensor", path, quoted_name(item->first),
           begin - expected);
    }
    expected = item->second.end;
    previous = item;
  }
  return expected;
}

// The text of the header, once the length in front of it has been checked.
std::span<const std::byte> header_text(std::span<const std::byte> file, std::string_view path) {
  if (file.empty()) fail(ErrorCode::bad_file, "{}: the file is empty (0 bytes); download it again", path);
  const auto refuse = [&](const std::string& why) {
    const std::string kind = guess_kind(file);
    if (!kind.empty()) fail(ErrorCode::bad_file, "{}: not a safetensors file: {}", path, kind);
    fail(ErrorCode::bad_file, "{}: not a safetensors file, or damaged: {}", path, why);
  };
  if (file.size() < kHeaderLengthBytes) refuse(fmt::format("it has only {} bytes", file.size()));
  uint64_t length = 0;
  for (size_t i = kHeaderLengthBytes; i-- > 0;) length = length << 8 | static_cast<uint64_t>(file[i]);
  if (length > kMaxHeader) {
    refuse(fmt::format("its first 8 bytes give a header of {} bytes, but at most {} are allowed", length, kMaxHeader));
  }
  const auto rest = file.subspan(kHeaderLengthBytes);
  // The length bytes of a valid file may look like the first bytes of another kind, so the guess counts only if the
  // rest is wrong too. The brace tells a truncated file from one of another kind.
  if (!rest.empty() && length > 0 && rest[0] != std::byte{'{'}) refuse("its header does not begin with '{'");
  if (length > rest.size()) {
    fail(ErrorCode::bad_file,
         "{}: the header alone needs {} bytes, but the file has {}: the download is incomplete{}; download it again",
         path, length + kHeaderLengthBytes, file.size(), is_named_unfinished(path) ? ", as its name also says" : "");
  }
  if (length == 0) refuse("its header is empty");
  return rest.first(length);
}

}  // namespace

std::string quoted_name(std::string_view name) {
  constexpr size_t kLongest = 200;
  std::string result = "\"";
  for (const char c : name.substr(0, kLongest)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result + (name.size() > kLongest ? "...\"" : "\"");
}

std::optional<DType> dtype_of_safetensors(std::string_view type) {
  for (const DType known : {DType::f32, DType::f16, DType::bf16, DType::u8}) {
    if (safetensors_name_of(known) == type) return known;
  }
  return std::nullopt;
}

std::string_view safetensors_name_of(DType type) {
  switch (type) {
    case DType::f32: return "F32";
    case DType::bf16: return "BF16";
    case DType::f16: return "F16";
    case DType::u8: return "U8";
  }
  fail(ErrorCode::internal, "unknown element type {}", static_cast<int>(type));
}

SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view path) {
  const auto text = header_text(file, path);
  HeaderEvents events(path);
  const char* characters = reinterpret_cast<const char*>(text.data());
  nlohmann::json::sax_parse(characters, characters + text.size(), &events);

  SafetensorsHeader header{.tensors = {}, .metadata = std::move(events.metadata)};
  for (const auto& [name, raw] : events.tensors) header.tensors.emplace(name, checked_entry(raw, path, name));
  const uint64_t start = kHeaderLengthBytes + text.size();
  const auto expected = checked_add(start, check_layout(header, path));
  if (!expected || *expected > file.size()) {
    fail(ErrorCode::bad_file,
         "{}: expected {} bytes, but the file has {}: {} bytes are missing, the download is incomplete{}; download it "
         "again",
         path, expected.value_or(UINT64_MAX), file.size(), expected.value_or(UINT64_MAX) - file.size(),
         is_named_unfinished(path) ? ", as its name also says" : "");
  }
  if (*expected < file.size()) {
    fail(ErrorCode::bad_file,
         "{}: the file is longer than its header says: expected {} bytes, found {}; download it again", path, *expected,
         file.size());
  }
  for (auto& [name, entry] : header.tensors) {
    entry.begin += start;
    entry.end += start;
  }
  return header;
}

}  // namespace svd
