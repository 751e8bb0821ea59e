// The fields of a request: each is described and bound to its member of Request in one place, the table behind
// request_fields(). The library checks requests by it; command line, HTTP API, OpenAPI document and web page offer what
// it lists, and tests compare the manual with it.
//
//   for (const svd::RequestField& field : svd::request_fields()) {
//     fmt::print("{}: {}; default: {}\n", field.name, field.allowed_values(), field.default_text());
//   }
//   svd::request_field("motion_bucket_id").set(request, 40.0);
//
// Everything here is immutable and thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "svd/export.h"
#include "svd/model.h"
#include "svd/options.h"

namespace svd {

enum class FieldType { whole_number, number, yes_or_no, choice };

// Of a number (whole or not) a double, of yes_or_no a bool, of a choice its name. Empty: not given. A float comes as
// the shortest decimal that names it: 0.02, not 0.0199999996.
using FieldValue = std::variant<std::monostate, bool, double, std::string_view>;

// "0.02", "true", "EulerEDMSampler"; "" of an empty one.
SVD_API std::string to_string(const FieldValue& value);

// How a field reaches its member. Use RequestField's functions, which check.
struct FieldBinding {
  FieldValue (*get)(const Request&);
  void (*set)(Request&, const FieldValue&);
};

struct SVD_API RequestField {
  std::string_view name;  // of the option, of the setting, and in messages: "motion_bucket_id"
  FieldType type;
  std::string_view group;         // heading in forms and help: "Video", "Sampling", "Machine", "Input and output"
  double min = 0, max = 0;        // of numbers; both are allowed
  std::string_view help;          // one line, without a full stop
  std::string_view details = {};  // more sentences for manuals and the API's description; may be empty
  // Of a parameter that only some samplers (discretisations, guiders) have: the choice that decides, "sampler".
  // Empty: the field always applies.
  std::string_view chosen_by = {};
  bool (*belongs_to)(const Request&) = nullptr;              // whether the choice made has the parameter
  std::span<const std::string_view> (*choices)() = nullptr;  // of a choice: the names
  FieldBinding binding;
  // The value of a member that is left out (an empty optional); null where members have initialisers.
  FieldValue (*when_left_out)(const VersionDefaults&) = nullptr;

  // The member's value; empty when it is an optional that was left out.
  FieldValue get(const Request& request) const { return binding.get(request); }
  // An empty value stands for the default. Throws Error(invalid_argument), "NAME: expected ..., found ...".
  void set(Request& request, const FieldValue& value) const;

  // Whether it is of the field's type and within its range. An empty value is not.
  bool accepts(const FieldValue& value) const;
  std::string allowed_values() const;  // "a whole number from 0 to 511", "one of A, B", "true or false"
  bool applies_to(const Request& request) const { return !belongs_to || belongs_to(request); }
  std::vector<std::string_view> owners() const;  // the names of the choices that have this parameter

  FieldValue default_value(Version version) const;
  bool default_depends_on_version() const;
  std::string default_text() const;  // "127"; "14 (svd...), 25 (svd_xt...)"
};

// In the order of forms and help; a choice comes before its parameters.
SVD_API std::span<const RequestField> request_fields();

// Throws Error(invalid_argument) when there is none of that name.
SVD_API const RequestField& request_field(std::string_view name);

// Throws Error(invalid_argument), whose message begins with the field's name: a value out of its range, or one of a
// parameter that the choice made does not have.
SVD_API void check_fields(const Request& request);

// The request with every field that applies given.
SVD_API Request with_defaults(Request request, Version version);

}  // namespace svd
