// Makes the picture of the page in the documentation: runs the server, makes a video as a user does, takes a
// screenshot.
//
//   page_screenshot VERSION.safetensors PICTURE OUTPUT.png [SETTING=NUMBER ...]
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "page_server.h"
#include "web_driver.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kPatience(60);  // a real model may take its time

void take_screenshot(const fs::path& checkpoint, const fs::path& picture, const fs::path& output,
                     const std::vector<std::string>& settings) {
  const fs::path folder = fs::temp_directory_path() / ("svd_page_" + std::to_string(free_port()));
  const std::string version = checkpoint.stem().string();
  PageServer server(folder, checkpoint, version);
  server.start();
  {
    WebDriver browser(folder);
    browser.open(server.url());
    browser.wait_until("document.querySelector('#connection').dataset.state === 'live'");
    browser.type("#image", fs::absolute(picture).string());
    browser.wait_until("!document.querySelector('#previews').hidden");
    browser.click(fmt::format("#version option[value={}]", version));
    for (const std::string& setting : settings) {
      const size_t equals = setting.find('=');
      browser.replace(fmt::format("#{}", setting.substr(0, equals)), setting.substr(equals + 1));
    }
    browser.click("#sample");
    browser.wait_until("document.querySelector('#result').dataset.state === 'done'", kPatience);
    browser.wait_until("[...document.querySelectorAll('#result img')].every((each) => each.complete)");
    browser.wait_until("document.querySelector('#video').currentTime > 0");
    // The player's controls fade away after a while.
    browser.script("document.activeElement.blur(); await new Promise((resolve) => setTimeout(resolve, 4000))");
    std::ofstream(output, std::ios::binary) << browser.screenshot_png();
  }
  server.stop();
  fs::remove_all(folder);
}

}  // namespace
}  // namespace svd::test

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 3) {
    std::fputs("usage: page_screenshot VERSION.safetensors PICTURE OUTPUT.png [SETTING=NUMBER ...]\n", stderr);
    return 2;
  }
  try {
    svd::test::take_screenshot(arguments[0], arguments[1], arguments[2], {arguments.begin() + 3, arguments.end()});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "page_screenshot: %s\n", e.what());
    return 1;
  }
  return 0;
}
