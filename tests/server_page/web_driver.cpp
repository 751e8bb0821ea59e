#include "web_driver.h"

#include <fmt/format.h>

#include <stdexcept>
#include <thread>

namespace svd::test {
namespace {

using nlohmann::json;

// The name that the protocol gives to references to elements.
constexpr const char* kElementKey = "element-6066-11e4-a52e-4f735466cecf";

std::string decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;  // padding
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  return bytes;
}

}  // namespace

bool WebDriver::is_installed() { return find_program("chromedriver") && find_program("chromium"); }

WebDriver::WebDriver(const std::filesystem::path& log_folder)
    : port_(free_port()),
      driver_({find_program("chromedriver")->string(), fmt::format("--port={}", port_)}, log_folder,
              log_folder / "chromedriver.log"),
      client_("127.0.0.1", port_) {
  client_.set_read_timeout(std::chrono::seconds(60));
  client_.set_keep_alive(true);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!client_.Get("/status")) {
    if (!driver_.is_running() || std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("chromedriver does not start: " + driver_.log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // The sandbox needs privileges that containers lack; only the page under test is opened.
  const json arguments = {"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                          "--window-size=1280,900"};
  const json capabilities = {{"goog:chromeOptions", {{"args", arguments}}},
                             {"goog:loggingPrefs", {{"browser", "ALL"}}}};
  const json session = call("POST", "/session", {{"capabilities", {{"alwaysMatch", capabilities}}}});
  session_ = "/session/" + session.at("sessionId").get<std::string>();
}

WebDriver::~WebDriver() {
  if (!session_.empty()) client_.Delete(session_);
}

void WebDriver::open(const std::string& url) { call("POST", session_ + "/url", {{"url", url}}); }

void WebDriver::reload() { call("POST", session_ + "/refresh", json::object()); }

void WebDriver::forget_cookies() { call("DELETE", session_ + "/cookie"); }

void WebDriver::on_every_page(const std::string& script) {
  devtools("Page.addScriptToEvaluateOnNewDocument", {{"source", script}});
}

void WebDriver::block(const std::vector<std::string>& patterns) {
  devtools("Network.enable", json::object());
  devtools("Network.setBlockedURLs", {{"urls", patterns}});
}

std::string WebDriver::tab() { return call("GET", session_ + "/window"); }

std::string WebDriver::open_tab() {
  const std::string tab = call("POST", session_ + "/window/new", {{"type", "tab"}}).at("handle");
  switch_to(tab);
  devtools("Page.bringToFront", json::object());
  return tab;
}

void WebDriver::switch_to(const std::string& tab) { call("POST", session_ + "/window", {{"handle", tab}}); }

void WebDriver::close_tab() { call("DELETE", session_ + "/window"); }

void WebDriver::click(const std::string& css) { call("POST", element(css) + "/click", json::object()); }

void WebDriver::type(const std::string& css, std::string_view text) {
  call("POST", element(css) + "/value", {{"text", text}});
}

void WebDriver::replace(const std::string& css, std::string_view text) {
  call("POST", element(css) + "/clear", json::object());
  type(css, text);
}

void WebDriver::press(std::string_view keys) {
  json strokes = json::array();
  for (size_t i = 0; i < keys.size();) {
    size_t end = i + 1;  // of a UTF-8 sequence
    while (end < keys.size() && (static_cast<unsigned char>(keys[end]) & 0xc0) == 0x80) ++end;
    const std::string_view stroke = keys.substr(i, end - i);
    strokes.push_back({{"type", "keyDown"}, {"value", stroke}});
    strokes.push_back({{"type", "keyUp"}, {"value", stroke}});
    i = end;
  }
  const json keyboard = {{"type", "key"}, {"id", "keyboard"}, {"actions", strokes}};
  call("POST", session_ + "/actions", {{"actions", json::array({keyboard})}});
}

std::string WebDriver::text(const std::string& css) { return call("GET", element(css) + "/text"); }

json WebDriver::script(const std::string& body, const json& arguments) {
  return call("POST", session_ + "/execute/sync",
              {{"script", "return (async function() {" + body + "}).apply(null, arguments)"}, {"args", arguments}});
}

void WebDriver::wait_until(const std::string& expression, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!script("return Boolean(" + expression + ")").get<bool>()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error(fmt::format("not true after {} s: {}\nThe page says:\n{}", patience.count(), expression,
                                           script("return document.body.innerText").get<std::string>()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
}

bool WebDriver::exists(const std::string& css) {
  return script("return document.querySelector(arguments[0]) !== null", {css});
}

std::string WebDriver::accessible_name(const std::string& css, size_t index) {
  const json elements = call("POST", session_ + "/elements", {{"using", "css selector"}, {"value", css}});
  return call("GET", session_ + "/element/" + elements.at(index).at(kElementKey).get<std::string>() + "/computedlabel");
}

std::string WebDriver::screenshot_png() {
  const json size = script("const e = document.documentElement; return [e.clientWidth, e.scrollHeight]");
  const json clip = {{"x", 0}, {"y", 0}, {"width", size[0]}, {"height", size[1]}, {"scale", 1}};
  const json shot =
      devtools("Page.captureScreenshot", {{"format", "png"}, {"captureBeyondViewport", true}, {"clip", clip}});
  return decode_base64(shot.at("data").get<std::string>());
}

void WebDriver::emulate_screen(int width, int height, double pixel_ratio, bool is_phone) {
  devtools("Emulation.setDeviceMetricsOverride",
           {{"width", width}, {"height", height}, {"deviceScaleFactor", pixel_ratio}, {"mobile", is_phone}});
  devtools("Emulation.setTouchEmulationEnabled", {{"enabled", is_phone}});
}

void WebDriver::emulate_media(const std::string& feature, const std::string& value) {
  devtools("Emulation.setEmulatedMedia", {{"features", {{{"name", feature}, {"value", value}}}}});
}

std::vector<std::string> WebDriver::console_errors() {
  std::vector<std::string> errors;
  for (const json& entry : call("POST", session_ + "/se/log", {{"type", "browser"}})) {
    if (entry.at("level") == "SEVERE") errors.push_back(entry.at("message"));
  }
  return errors;
}

json WebDriver::call(const char* method, const std::string& path, const json& body) {
  httplib::Request request;
  request.method = method;
  request.path = path;
  if (!body.is_null()) {
    request.body = body.dump();
    request.set_header("Content-Type", "application/json");
  }
  const httplib::Result answer = client_.send(request);
  if (!answer) throw std::runtime_error(fmt::format("{} {}: chromedriver does not answer", method, path));
  const json value = json::parse(answer->body).at("value");
  if (answer->status != 200) {
    throw std::runtime_error(
        fmt::format("{} {} {}: {}", method, path, request.body, value.value("message", answer->body)));
  }
  return value;
}

json WebDriver::devtools(const std::string& command, const json& parameters) {
  return call("POST", session_ + "/goog/cdp/execute", {{"cmd", command}, {"params", parameters}});
}

std::string WebDriver::element(const std::string& css) {
  const json found = call("POST", session_ + "/element", {{"using", "css selector"}, {"value", css}});
  return session_ + "/element/" + found.at(kElementKey).get<std::string>();
}

}  // namespace svd::test
