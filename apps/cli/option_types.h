// Options whose values are checked when they are read. A bad one is a usage error whose message names the option, what
// was expected and what was found.
#pragma once

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace svd::cli {

// Throws CLI::ValidationError: "OPTION: expected ..., found ...".
[[noreturn]] void reject_option(const std::string& option, const std::string& expected, const std::string& found);

std::string lower_case(std::string text);  // of ASCII letters

// The whole text as a decimal number; empty when it is something else, or does not fit. "010" is ten.
std::optional<double> parse_whole_number(const std::string& text);
std::optional<double> parse_number(const std::string& text);
// Throws CLI::ValidationError unless the text is true, false, 1, 0, yes, no, on or off, in any letter case.
bool parse_yes_or_no(const std::string& option, const std::string& text);

template <typename T>
struct NumberRange {
  T min, max;
};

// A whole number in decimal digits. T is int or uint64_t.
// The target must outlive the parsing, as in CLI11's own functions.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, NumberRange<T> range,
                        const std::string& description);

// A file or folder; not empty, as an unset variable of a shell script would make it.
CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& target, const std::string& description);

template <typename T>
using Choices = std::vector<std::pair<std::string, T>>;  // the first name of a value stands for it

// The place of `value` among the names, in any letter case; else throws CLI::ValidationError.
size_t find_choice(const std::string& option, const std::string& value, const std::vector<std::string>& names);

template <typename T>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& target, const Choices<T>& choices,
                        const std::string& description) {
  std::vector<std::string> names;
  for (const auto& [choice, value] : choices) names.push_back(choice);
  CLI::Option* option = app.add_option_function<std::string>(
      name,
      [name, &target, choices, names](const std::string& text) {
        target = choices[find_choice(name, text, names)].second;
      },
      description);
  option->default_function([&target, choices]() -> std::string {
    for (const auto& [choice, value] : choices) {
      if (value == target) return choice;
    }
    return {};
  });
  return option->type_name("NAME");
}

}  // namespace svd::cli
