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

template <typename T>
struct NumberRange {
  T least, most;
};

// A number in decimal digits, whole unless T is float. T is int, uint64_t or float.
// The target must outlive the parsing, as in CLI11's own functions.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, NumberRange<T> range,
                        const std::string& description);

// The same for a number that need not be given. T is int, float or double.
template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<T>& target, NumberRange<T> range,
                        const std::string& description);

// A file or folder; not empty, as an unset variable of a shell script would make it.
CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& target, const std::string& description);

template <typename T>
using Choices = std::vector<std::pair<std::string, T>>;  // the first name of a value stands for it

inline const Choices<bool> kYesOrNo = {{"true", true}, {"false", false}, {"1", true},  {"0", false},
                                       {"yes", true},  {"no", false},    {"on", true}, {"off", false}};

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
