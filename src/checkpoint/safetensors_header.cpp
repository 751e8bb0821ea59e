#include "checkpoint/safetensors_header.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/checked.h"
#include "base/fail.h"
#include "checkpoint/file_kind.h"

namespace svd {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeader = 100'000'000;  // the reference library's limit
constexpr std::string_view kMetadata = "__metadata__";

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

// Receives the JSON parser's events. The only structure it lets through is
//   {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, "__metadata__": {"key": "text"}}
// so nothing can nest deeper than three levels, and no key may come twice (a JSON tree would keep the last).
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  struct RawEntry {
    std::optional<std::string> type;
    std::optional<std::vector<int64_t>> shape;
    std::optional<std::vector<int64_t>> offsets;
  };

  explicit HeaderEvents(std::string_view path) : path_(path) {}

  std::map<std::string, RawEntry, std::less<>> tensors;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top) {
      if (name_ == kMetadata) {
        place_ = Place::metadata;
      } else {
        place_ = Place::tensor;
        entry_ = &tensors[name_];
      }
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool end_object() override {
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::tensor && field_ == "shape") {
      place_ = Place::shape;
      entry_->shape.emplace();
    } else if (place_ == Place::tensor && field_ == "data_offsets") {
      place_ = Place::offsets;
      entry_->offsets.emplace();
    } else {
      unexpected("a list");
    }
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool key(std::string& text) override {
    if (place_ == Place::top) {
      const bool is_new = text == kMetadata ? !std::exchange(metadata_seen_, true) : !tensors.contains(text);
      if (!is_new) fail(ErrorCode::bad_file, "{}: the header names {} twice", path_, quoted_name(text));
      name_ = text;
    } else if (place_ == Place::tensor) {
      const bool twice = (text == "dtype" && entry_->type) || (text == "shape" && entry_->shape) ||
                         (text == "data_offsets" && entry_->offsets);
      if (twice) fail(ErrorCode::bad_file, "{}: {} has the field {} twice", path_, where(), quoted_name(text));
      field_ = text;
    } else {
      if (metadata.contains(text)) {
        fail(ErrorCode::bad_file, "{}: the metadata has the key {} twice", path_, quoted_name(text));
      }
      field_ = text;
    }
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::tensor && field_ == "dtype") {
      entry_->type = text;
    } else if (place_ == Place::metadata) {
      metadata.emplace(field_, text);
    } else {
      unexpected("a text");
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      if (entry_->shape->size() == Shape::kMaxRank) {
        fail(ErrorCode::bad_file, "{}: {} has more than {} dimensions", path_, where(), Shape::kMaxRank);
      }
      entry_->shape->push_back(in_range(value));
    } else if (place_ == Place::offsets && entry_->offsets->size() < 2) {
      entry_->offsets->push_back(in_range(value));
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool number_integer(std::int64_t value) override { unexpected(fmt::format("{}", value)); }
  bool number_float(double, const std::string& text) override { unexpected(quoted_name(text)); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }
  bool null() override {
    if (place_ == Place::top && name_ == kMetadata) return true;  // the reference library takes it for "none"
    unexpected("null");
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail(ErrorCode::bad_file, "{}: the header is not valid JSON in UTF-8 (at byte {} of the file); the file is damaged",
         path_, position + kLengthBytes);
  }

 private:
  enum class Place { outside, top, tensor, metadata, shape, offsets };

  std::string where() const { return fmt::format("tensor {}", quoted_name(name_)); }

  int64_t in_range(uint64_t value) const {
    if (value > static_cast<uint64_t>(INT64_MAX)) {
      fail(ErrorCode::bad_file, "{}: {}: {} in {} is too large", path_, where(), value, field_);
    }
    return static_cast<int64_t>(value);
  }

  [[noreturn]] void unexpected(std::string_view found) const {
    switch (place_) {
      case Place::outside:
        fail(ErrorCode::bad_file, "{}: the header is {}, not a JSON object; the file is damaged", path_, found);
      case Place::top:
        fail(ErrorCode::bad_file, "{}: {} is described by {}; expected an object with dtype, shape and data_offsets",
             path_, where(), found);
      case Place::metadata:
        fail(ErrorCode::bad_file, "{}: the metadata {} is {}; expected a text", path_, quoted_name(field_), found);
      case Place::shape:
        fail(ErrorCode::bad_file, "{}: {}: shape holds {}; expected whole numbers from 0 up", path_, where(), found);
      case Place::offsets:
        fail(ErrorCode::bad_file, "{}: {}: data_offsets holds {}; expected two whole numbers from 0 up", path_, where(),
             found);
      case Place::tensor: break;
    }
    const bool known = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    if (!known) fail(ErrorCode::bad_file, "{}: {} has the unknown field {}", path_, where(), quoted_name(field_));
    fail(ErrorCode::bad_file, "{}: {}: {} is {}; expected {}", path_, where(), field_, found,
         field_ == "dtype" ? "a text such as \"F32\"" : "a list of whole numbers");
  }

  std::string_view path_;
  Place place_ = Place::outside;
  bool metadata_seen_ = false;
  std::string name_, field_;
  RawEntry* entry_ = nullptr;
};

// One tensor's own consistency; offsets stay relative to the start of the data.
SafetensorsEntry checked_entry(const HeaderEvents::RawEntry& raw, std::string_view path, std::string_view name) {
  const auto bad = [&](std::string_view what) {
    fail(ErrorCode::bad_file, "{}: tensor {}: {}", path, quoted_name(name), what);
  };
  if (!raw.type) bad("dtype is missing");
  if (!raw.shape) bad("shape is missing");
  if (!raw.offsets) bad("data_offsets is missing");
  if (raw.offsets->size() != 2) bad("data_offsets does not hold two numbers");

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
  if (begin > end) bad(fmt::format("data_offsets begin at {} after their end {}", begin, end));
  if (end - begin != bytes) {
    bad(fmt::format("{} of {} needs {} bytes, data_offsets give it {}", shape, *raw.type, bytes, end - begin));
  }
  return {.type = *raw.type, .shape = Shape(std::span<const int64_t>(*raw.shape)), .begin = begin, .end = end};
}

// The format wants the tensors to fill the data without gaps. Returns the length of the data they describe.
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

// The header's text, after checking that there can be one.
std::span<const std::byte> header_text(std::span<const std::byte> file, std::string_view path) {
  if (file.empty()) fail(ErrorCode::bad_file, "{}: the file is empty (0 bytes); fetch it again", path);
  const auto refuse = [&](const std::string& why) {
    const std::string kind = guess_kind(file);
    if (!kind.empty()) fail(ErrorCode::bad_file, "{}: not a safetensors file: {}", path, kind);
    fail(ErrorCode::bad_file, "{}: not a safetensors file, or damaged: {}", path, why);
  };
  if (file.size() < kLengthBytes) refuse(fmt::format("it has only {} bytes", file.size()));
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | static_cast<uint64_t>(file[i]);
  if (length > kMaxHeader) {
    refuse(fmt::format("its first 8 bytes announce a header of {} bytes, at most {} are allowed", length, kMaxHeader));
  }
  const auto rest = file.subspan(kLengthBytes);
  // A real file's length bytes may look like another kind's first bytes, so the guess counts only when the rest
  // is wrong too; and a cut file is told from a foreign one by the brace.
  if (!rest.empty() && length > 0 && rest[0] != std::byte{'{'}) refuse("its header does not begin with '{'");
  if (length > rest.size()) {
    fail(ErrorCode::bad_file,
         "{}: the header alone needs {} bytes, the file has {}: the download is incomplete{}; fetch it again", path,
         length + kLengthBytes, file.size(), is_named_unfinished(path) ? ", as its name says too" : "");
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
  const uint64_t start = kLengthBytes + text.size();
  const auto expected = checked_add(start, check_layout(header, path));
  if (!expected || *expected > file.size()) {
    fail(ErrorCode::bad_file,
         "{}: expected size {} bytes, the file has {} bytes: {} bytes are missing, the download is incomplete{}; fetch "
         "it again",
         path, expected.value_or(UINT64_MAX), file.size(), expected.value_or(UINT64_MAX) - file.size(),
         is_named_unfinished(path) ? ", as its name says too" : "");
  }
  if (*expected < file.size()) {
    fail(ErrorCode::bad_file, "{}: the file is longer than its header says: expected {} bytes, found {}", path,
         *expected, file.size());
  }
  for (auto& [name, entry] : header.tensors) {
    entry.begin += start;
    entry.end += start;
  }
  return header;
}

}  // namespace svd
