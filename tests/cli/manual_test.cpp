// The tables of options in the manual and `svd sample --help` say what the library's table of fields says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>

#include "program.h"
#include "svd/request_fields.h"

namespace svd::test {
namespace {

// The default of each option, as the cell beside it says; several options may share a row: "`--eta`; `--order`" with
// "1; 4".
std::map<std::string, std::string> defaults_in(const std::filesystem::path& file) {
  std::map<std::string, std::string> defaults;
  const std::regex row("\\| (`--[^|]*)\\|([^|]*)\\|.*"), option("--(\\w+)"), value("[^,;`\\s][^,;`]*");
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    const std::string names = cells[1], values = cells[2];
    std::vector<std::string> each;
    for (std::sregex_iterator it(values.begin(), values.end(), value), end; it != end; ++it) {
      std::string text = it->str();
      text.erase(text.find_last_not_of(' ') + 1);
      each.push_back(text);
    }
    size_t i = 0;
    for (std::sregex_iterator it(names.begin(), names.end(), option), end; it != end && !each.empty(); ++it, ++i) {
      defaults[(*it)[1]] = each[std::min(i, each.size() - 1)];
    }
  }
  return defaults;
}

TEST(Manual, NamesEveryFieldWithItsDefault) {
  std::map<std::string, std::string> defaults;
  for (const char* file : {"README.md", "docs/command-line.md"})
    defaults.merge(defaults_in(std::filesystem::path(SVD_SOURCE_DIR) / file));
  for (const RequestField& field : request_fields()) {
    const std::string name(field.name);
    ASSERT_TRUE(defaults.contains(name)) << name << " is in no table of README.md or docs/command-line.md";
    const std::string expected = field.default_depends_on_version() ? "of the version" : field.default_text();
    EXPECT_EQ(defaults.at(name), expected) << name;
  }
}

TEST(Manual, HelpHasEveryFieldWithRangeAndDefault) {
  std::string help = run_svd({"sample", "--help"}).output;
  help = std::regex_replace(help, std::regex("\\s+"), " ");
  for (const RequestField& field : request_fields()) {
    EXPECT_THAT(help, testing::HasSubstr(" --" + std::string(field.name) + " "));
    EXPECT_THAT(help, testing::HasSubstr(std::string(field.help)));
    EXPECT_THAT(help, testing::HasSubstr("; default: " + field.default_text())) << field.name;
  }
  EXPECT_THAT(help, testing::HasSubstr("larger moves more; 0 to 511; default: 127"));
}

}  // namespace
}  // namespace svd::test
