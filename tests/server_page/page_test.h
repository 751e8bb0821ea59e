// The page in a real browser, served by the real program.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "page_server.h"
#include "svd/image.h"
#include "web_driver.h"

namespace svd::test {

// Skipped where Chromium and ChromeDriver are not installed, but not in continuous integration (CI=true).
class PageTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;  // fails if a script of the page threw, or rejected a promise, and nothing caught it

  // The server with these options and a checkpoint for that version, and a browser that has opened its page and is
  // connected.
  void open_page(std::vector<std::string> server_options = {}, const std::string& version = "svd");

  // A PNG file for the file chooser.
  std::filesystem::path picture(const std::string& name, const Image& image) const;
  std::filesystem::path picture() const;  // 300 x 200
  void choose(const std::filesystem::path& file);

  void set_small_video(int frames, int steps);  // 128 x 64
  void sample();                                // presses the button
  std::string job_id();                         // of the job in view
  void wait_for_state(const std::string& state);
  void wait_for_playing_video();

  std::string before_page_;  // a script to run before the page's own
  std::filesystem::path folder_;
  std::optional<PageServer> server_;
  std::optional<WebDriver> browser_;
};

}  // namespace svd::test
