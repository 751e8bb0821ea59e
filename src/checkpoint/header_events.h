// The header of a safetensors file as a JSON parser reads it, before anything is known about the tensors.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "checkpoint/safetensors_header.h"

namespace svd {

constexpr size_t kHeaderLengthBytes = 8;  // of the header, in front of it
constexpr std::string_view kMetadataName = "__metadata__";

// Receives the JSON parser's events. The only structure it accepts is
//   {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, "__metadata__": {"key": "text"}}
// so nothing can nest deeper than three levels, and no key may occur twice (a JSON tree would keep the last).
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
      if (name_ == kMetadataName) {
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
      const bool is_new = text == kMetadataName ? !std::exchange(metadata_seen_, true) : !tensors.contains(text);
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
      unexpected("a string");
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
    if (place_ == Place::top && name_ == kMetadataName) return true;  // the reference library accepts it as "none"
    unexpected("null");
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    fail(ErrorCode::bad_file, "{}: the header is not valid JSON in UTF-8 (at byte {} of the file); the file is damaged",
         path_, position + kHeaderLengthBytes);
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
        fail(ErrorCode::bad_file, "{}: the metadata {} is {}; expected a string", path_, quoted_name(field_), found);
      case Place::shape:
        fail(ErrorCode::bad_file, "{}: {}: shape contains {}; expected whole numbers from 0 up", path_, where(), found);
      case Place::offsets:
        fail(ErrorCode::bad_file, "{}: {}: data_offsets contains {}; expected two whole numbers from 0 up", path_,
             where(), found);
      case Place::tensor: break;
    }
    const bool known = field_ == "dtype" || field_ == "shape" || field_ == "data_offsets";
    if (!known) fail(ErrorCode::bad_file, "{}: {} has the unknown field {}", path_, where(), quoted_name(field_));
    fail(ErrorCode::bad_file, "{}: {}: {} is {}; expected {}", path_, where(), field_, found,
         field_ == "dtype" ? "a string such as \"F32\"" : "a list of whole numbers");
  }

  std::string_view path_;
  Place place_ = Place::outside;
  bool metadata_seen_ = false;
  std::string name_, field_;
  RawEntry* entry_ = nullptr;
};

}  // namespace svd
