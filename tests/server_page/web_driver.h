// A headless Chromium, driven through ChromeDriver by the W3C's WebDriver protocol (https://www.w3.org/TR/webdriver2/).
#pragma once

#include <httplib.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "child_process.h"

namespace svd::test {

// Keys without a letter, as WebDriver writes them.
namespace key {
inline constexpr std::string_view tab = "\uE004", enter = "\uE007", space = "\uE00D", arrow_down = "\uE015",
                                  escape = "\uE00C";
}

// Elements are named by CSS selectors, looked up anew by each call. Everything throws std::runtime_error with what the
// driver answered. Not thread-safe.
class WebDriver {
 public:
  static bool is_installed();

  explicit WebDriver(const std::filesystem::path& log_folder);
  ~WebDriver();

  void open(const std::string& url);
  void reload();
  void forget_cookies();
  // Runs in each page that this tab opens from now on, before the page's own scripts.
  void on_every_page(const std::string& script);
  // Requests of this tab for such addresses ("*/video.mp4") fail from now on; no others do.
  void block(const std::vector<std::string>& patterns);

  std::string tab();       // the one that all other calls are about
  std::string open_tab();  // an empty one, in front
  void switch_to(const std::string& tab);
  void close_tab();  // to be followed by switch_to()

  void click(const std::string& css);
  void type(const std::string& css, std::string_view text);     // into a file input: the path of a file
  void replace(const std::string& css, std::string_view text);  // a field's value
  void press(std::string_view keys);                            // in the element that has the focus
  std::string text(const std::string& css);                     // as rendered

  // The body of an asynchronous function; its arguments are `arguments`. Returns its result.
  nlohmann::json script(const std::string& body, const nlohmann::json& arguments = nlohmann::json::array());
  // Until a JavaScript expression is true.
  void wait_until(const std::string& expression, std::chrono::seconds patience = std::chrono::seconds(20));
  bool exists(const std::string& css);
  std::string accessible_name(const std::string& css, size_t index);

  std::string screenshot_png();  // of the whole page, not only of the window
  void emulate_screen(int width, int height, double pixel_ratio, bool is_phone);  // in CSS pixels
  void emulate_media(const std::string& feature, const std::string& value);
  // What the page logged as an error since the last call: also refused loads and breaches of its security policy.
  std::vector<std::string> console_errors();

 private:
  nlohmann::json call(const char* method, const std::string& path, const nlohmann::json& body = nullptr);
  nlohmann::json devtools(const std::string& command, const nlohmann::json& parameters);
  std::string element(const std::string& css);  // its path in the protocol

  int port_;
  ChildProcess driver_;
  httplib::Client client_;
  std::string session_;  // path
};

}  // namespace svd::test
