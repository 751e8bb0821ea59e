#include "option_types.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace svd::cli {
namespace {

// CLI11's own conversion takes 010 for eight, and a number that does not fit for the largest that does.
template <typename T>
bool read_number(const std::string& text, T& value) {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

}  // namespace

void reject_option(const std::string& option, const std::string& expected, const std::string& found) {
  throw CLI::ValidationError(option, fmt::format("expected {}, found {}", expected, found.empty() ? "nothing" : found));
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::optional<double> parse_whole_number(const std::string& text) {
  int64_t value{};
  return read_number(text, value) ? std::optional(static_cast<double>(value)) : std::nullopt;
}

std::optional<double> parse_number(const std::string& text) {
  double value{};
  return read_number(text, value) && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool parse_yes_or_no(const std::string& option, const std::string& text) {
  return find_choice(option, text, {"true", "false", "1", "0", "yes", "no", "on", "off"}) % 2 == 0;
}

template <typename T>
CLI::Option* add_number(CLI::App& app, const std::string& name, T& target, NumberRange<T> range,
                        const std::string& description) {
  CLI::Option* option = app.add_option_function<std::string>(
      name,
      [name, &target, range](const std::string& text) {
        T value{};
        if (!read_number(text, value) || value < range.min || value > range.max) {
          reject_option(name, fmt::format("a whole number from {} to {}", range.min, range.max), text);
        }
        target = value;
      },
      description);
  option->default_function([&target] { return fmt::format("{}", target); });
  return option->type_name("N");
}

template CLI::Option* add_number(CLI::App&, const std::string&, int&, NumberRange<int>, const std::string&);
template CLI::Option* add_number(CLI::App&, const std::string&, uint64_t&, NumberRange<uint64_t>, const std::string&);

CLI::Option* add_path(CLI::App& app, const std::string& name, std::string& target, const std::string& description) {
  return app
      .add_option_function<std::string>(
          name,
          [name, &target](const std::string& text) {
            if (text.empty()) reject_option(name.substr(0, name.find(',')), "a path", text);
            target = text;
          },
          description)
      ->type_name("PATH");
}

size_t find_choice(const std::string& option, const std::string& value, const std::vector<std::string>& names) {
  const auto it = std::ranges::find(names, lower_case(value), lower_case);
  if (it == names.end()) reject_option(option, fmt::format("one of {}", fmt::join(names, ", ")), value);
  return static_cast<size_t>(it - names.begin());
}

}  // namespace svd::cli
