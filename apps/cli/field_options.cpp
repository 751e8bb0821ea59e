#include "field_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "option_types.h"

namespace svd::cli {
namespace {

constexpr size_t kHelpWidth = 78;  // of a line of help, beside the option's name

// Breaks the text at spaces, but not between "default:" and its value.
std::string wrapped(const std::string& text) {
  std::string out;
  size_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    constexpr std::string_view kDefault = "default: ";
    const size_t from = text.compare(begin, kDefault.size(), kDefault) == 0 ? begin + kDefault.size() : begin;
    const size_t end = std::min(text.find(' ', from), text.size());
    const size_t length = end - begin;
    if (line > 0 && line + 1 + length > kHelpWidth) {
      out += '\n';
      line = 0;
    } else if (line > 0) {
      out += ' ';
      ++line;
    }
    out.append(text, begin, length);
    line += length;
    begin = end + 1;
  }
  return out;
}

std::string description_of(const RequestField& field) {
  std::string text(field.help);
  switch (field.type) {
    case FieldType::choice: text += fmt::format(": {}", fmt::join(field.choices(), ", ")); break;
    case FieldType::yes_or_no: text += ": true or false"; break;
    case FieldType::whole_number:
    case FieldType::number: text += fmt::format("; {} to {}", field.min, field.max); break;
  }
  text += fmt::format("; default: {}", field.default_text());
  if (!field.chosen_by.empty()) text += fmt::format(" (only of {})", fmt::join(field.owners(), ", "));
  return wrapped(text);
}

FieldValue parse(const RequestField& field, const std::string& option, const std::string& text) {
  switch (field.type) {
    case FieldType::yes_or_no: return parse_yes_or_no(option, text);
    case FieldType::choice: {
      const auto choices = field.choices();
      return choices[find_choice(option, text, {choices.begin(), choices.end()})];
    }
    case FieldType::whole_number:
    case FieldType::number: break;
  }
  const auto number = field.type == FieldType::whole_number ? parse_whole_number(text) : parse_number(text);
  if (!number || !field.accepts(*number)) reject_option(option, field.allowed_values(), text);
  return *number;
}

const char* type_name_of(FieldType type) {
  switch (type) {
    case FieldType::yes_or_no: return "BOOL";
    case FieldType::choice: return "NAME";
    case FieldType::whole_number:
    case FieldType::number: break;
  }
  return "N";
}

}  // namespace

void add_field_options(CLI::App& command, std::string_view group, Request& request) {
  for (const RequestField& field : request_fields()) {
    if (field.group != group) continue;
    const std::string option = fmt::format("--{}", field.name);
    command
        .add_option_function<std::string>(
            option,
            [&field, &request, option](const std::string& text) { field.set(request, parse(field, option, text)); },
            description_of(field))
        ->type_name(type_name_of(field.type))
        ->group(std::string(group));
  }
}

}  // namespace svd::cli
