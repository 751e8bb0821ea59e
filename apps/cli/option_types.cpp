#include "option_types.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>

namespace svd::cli {
namespace {

[[noreturn]] void reject(const std::string& option, const std::string& expected, const std::string& found) {
  throw CLI::ValidationError(option, fmt::format("expected {}, found {}", expected, found.empty() ? "nothing" : found));
}

template <typename T>
std::string describe(NumberRange<T> range) {
  if constexpr (std::floating_point<T>) {
    if (range.most == std::numeric_limits<T>::max()) return fmt::format("a number of {} or more", range.least);
    return fmt::format("a number from {} to {}", range.least, range.most);
  } else {
    return fmt::format("a whole number from {} to {}", range.least, range.most);
  }
}

// CLI11's own conversion takes 010 for eight, and a number that does not fit for the largest that does.
template <typename T>
bool read_number(const std::string& text, NumberRange<T> range, T& value) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if constexpr (std::floating_point<T>) {
    if (!std::isfinite(value)) return false;
  }
  return error == std::errc() && rest == end && value >= range.least && value <= range.most;
}

template <typename T, typename Target>
CLI::Option* add_number_to(CLI::App& app, const std::string& name, Target& target, NumberRange<T> range,
                           const std::string& description) {
  CLI::Option* option = app.add_option_function<std::string>(
      name,
      [name, &target, range](const std::string& text) {
        T value{};
        if (!read_number(text, range, value)) reject(name, describe(range), text);
        target = value;
      },
      description);
  return option->type_name("N");
}

}  // namespace

template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, NumberRange<T> range,
                        const std::string& description) {
  CLI::Option* option = add_number_to<T>(app, name, target, range, description);
  option->default_function([&target] { return fmt::format("{}", target); });
  return option;
}

template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, std::optional<T>& target, NumberRange<T> range,
                        const std::string& description) {
  return add_number_to<T>(app, name, target, range, description);
}

template CLI::Option* add_number(CLI::App&, const std::string&, int&, NumberRange<int>, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, uint64_t&, NumberRange<uint64_t>, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, float&, NumberRange<float>, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::optional<int>&, NumberRange<int>,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::optional<float>&, NumberRange<float>,
                                 const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, std::optional<double>&, NumberRange<double>,
                                 const std::string&);

CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& target, const std::string& description) {
  return app
      .add_option_function<std::string>(
          name,
          [name, &target](const std::string& text) {
            if (text.empty()) reject(name.substr(0, name.find(',')), "a path", text);
            target = text;
          },
          description)
      ->type_name("PATH");
}

size_t find_choice(const std::string& option, const std::string& value, const std::vector<std::string>& names) {
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  const auto it = std::ranges::find(names, lower(value), lower);
  if (it == names.end()) reject(option, fmt::format("one of {}", fmt::join(names, ", ")), value);
  return static_cast<size_t>(it - names.begin());
}

}  // namespace svd::cli
