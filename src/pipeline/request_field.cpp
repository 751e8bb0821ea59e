// What a field of a request says of itself, and how values are held against it.
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/fail.h"
#include "svd/request_fields.h"

namespace svd {
namespace {

bool is_empty(const FieldValue& value) { return std::holds_alternative<std::monostate>(value); }

[[noreturn]] void reject(const RequestField& field, const FieldValue& value) {
  fail(ErrorCode::invalid_argument, "{}: expected {}, found {}", field.name, field.allowed_values(),
       is_empty(value) ? "nothing" : to_string(value));
}

void check_field(const RequestField& field, const Request& request) {
  const FieldValue value = field.get(request);
  if (is_empty(value)) return;
  if (!field.applies_to(request)) {
    fail(ErrorCode::invalid_argument, "{}: {} does not have it; it belongs to {}", field.name,
         to_string(request_field(field.chosen_by).get(request)), fmt::join(field.owners(), ", "));
  }
  if (!field.accepts(value)) reject(field, value);
}

}  // namespace

std::string to_string(const FieldValue& value) {
  if (const bool* yes = std::get_if<bool>(&value)) return *yes ? "true" : "false";
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const std::string_view* name = std::get_if<std::string_view>(&value)) return std::string(*name);
  return {};
}

void RequestField::set(Request& request, const FieldValue& value) const {
  if (!is_empty(value) && !accepts(value)) reject(*this, value);
  binding.set(request, value);
}

bool RequestField::accepts(const FieldValue& value) const {
  switch (type) {
    case FieldType::yes_or_no: return std::holds_alternative<bool>(value);
    case FieldType::choice: {
      const std::string_view* choice = std::get_if<std::string_view>(&value);
      return choice && std::ranges::count(choices(), *choice) > 0;
    }
    case FieldType::whole_number:
    case FieldType::number: break;
  }
  const double* number = std::get_if<double>(&value);
  if (!number || !(*number >= min && *number <= max)) return false;  // NaN is refused as well
  return type == FieldType::number || *number == std::floor(*number);
}

std::string RequestField::allowed_values() const {
  switch (type) {
    case FieldType::yes_or_no: return "true or false";
    case FieldType::choice: return fmt::format("one of {}", fmt::join(choices(), ", "));
    case FieldType::whole_number: return fmt::format("a whole number from {} to {}", min, max);
    case FieldType::number: break;
  }
  return fmt::format("a number from {} to {}", min, max);
}

std::vector<std::string_view> RequestField::owners() const {
  std::vector<std::string_view> names;
  if (chosen_by.empty()) return names;
  const RequestField& choice = request_field(chosen_by);
  Request request;
  for (const std::string_view name : choice.choices()) {
    choice.set(request, name);
    if (applies_to(request)) names.push_back(name);
  }
  return names;
}

FieldValue RequestField::default_value(Version version) const {
  const FieldValue initial = get(Request());
  return is_empty(initial) ? when_left_out(defaults_of(version)) : initial;
}

bool RequestField::default_depends_on_version() const {
  const FieldValue first = default_value(all_versions().front());
  return std::ranges::any_of(all_versions(), [&](Version version) { return default_value(version) != first; });
}

std::string RequestField::default_text() const {
  if (!default_depends_on_version()) return to_string(default_value(all_versions().front()));
  std::vector<FieldValue> seen;
  std::vector<std::string> texts;
  for (const Version version : all_versions()) {
    const FieldValue value = default_value(version);
    if (std::ranges::count(seen, value) > 0) continue;
    seen.push_back(value);
    texts.push_back(fmt::format("{} ({}...)", to_string(value), defaults_of(version).name));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

void check_fields(const Request& request) {
  for (const RequestField& field : request_fields()) check_field(field, request);
}

Request with_defaults(Request request, Version version) {
  for (const RequestField& field : request_fields()) {
    if (field.applies_to(request) && is_empty(field.get(request))) {
      field.binding.set(request, field.default_value(version));
    }
  }
  return request;
}

}  // namespace svd
