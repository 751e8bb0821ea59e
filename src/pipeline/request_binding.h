// From a member of Request, named by a path of member pointers, to the values of the table of fields.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "svd/request_fields.h"
#include "svd/sampling.h"

namespace svd {

inline std::span<const SamplerKind> all_of(SamplerKind) { return all_samplers(); }
inline std::span<const DiscretizationKind> all_of(DiscretizationKind) { return all_discretizations(); }
inline std::span<const GuiderKind> all_of(GuiderKind) { return all_guiders(); }

inline FieldValue to_field_value(bool value) { return value; }
inline FieldValue to_field_value(int value) { return static_cast<double>(value); }
inline FieldValue to_field_value(double value) { return value; }
inline FieldValue to_field_value(float value) {
  const std::string text = fmt::format("{}", value);  // the shortest decimal that is this float
  double decimal = static_cast<double>(value);        // stays for NaN and the infinities
  std::from_chars(text.data(), text.data() + text.size(), decimal);
  return decimal;
}
template <typename Kind>
requires std::is_enum_v<Kind> FieldValue to_field_value(Kind kind) { return name_of(kind); }
template <typename T>
FieldValue to_field_value(const std::optional<T>& value) {
  return value ? to_field_value(*value) : FieldValue();
}

// `value` has been checked: it is one that the field accepts.
template <typename T>
T from_field_value(const FieldValue& value) {
  if constexpr (std::same_as<T, bool>) {
    return std::get<bool>(value);
  } else if constexpr (std::is_enum_v<T>) {
    return *std::ranges::find(all_of(T{}), std::get<std::string_view>(value), [](T kind) { return name_of(kind); });
  } else {
    return static_cast<T>(std::get<double>(value));
  }
}

template <typename T>
void assign(T& member, const FieldValue& value) {
  member = from_field_value<T>(value);
}
template <typename T>
void assign(std::optional<T>& member, const FieldValue& value) {
  member = from_field_value<T>(value);
}

// bound<&Request::fps_id>(), bound<&Request::sampler, &SamplerSettings::eta>().
template <auto... path>
constexpr FieldBinding bound() {
  return {.get = [](const Request& request) { return to_field_value((request.*....*path)); },
          .set =
              [](Request& request, const FieldValue& value) {
                if (std::holds_alternative<std::monostate>(value)) {
                  (request.*....*path) = (Request().*....*path);
                } else {
                  assign((request.*....*path), value);
                }
              }};
}

// The names of a choice.
template <typename Kind>
std::span<const std::string_view> names_of() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Kind kind : all_of(Kind{})) all.push_back(name_of(kind));
    return all;
  }();
  return names;
}

}  // namespace svd
