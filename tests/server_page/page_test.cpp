#include "page_test.h"

#include <cstdlib>
#include <string_view>

#include "support/test_image.h"
#include "support/tiny_checkpoint.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;

// Kept over reloads.
constexpr const char* kNoteFaults = R"js(
  const note = (fault) => sessionStorage.setItem("faults", `${sessionStorage.getItem("faults") ?? ""}${fault}\n`);
  addEventListener("error", (event) => note(event.message));
  addEventListener("unhandledrejection", (event) => note(`not caught: ${event.reason}`));
)js";

bool in_continuous_integration() {
  const char* variable = std::getenv("CI");
  return variable && std::string_view(variable) == "true";
}

}  // namespace

void PageTest::SetUp() {
  if (WebDriver::is_installed()) return;
  constexpr const char* kMessage =
      "chromium and chromedriver are not installed; on Debian: "
      "apt-get install chromium chromium-driver";
  if (in_continuous_integration()) FAIL() << kMessage;
  GTEST_SKIP() << kMessage;
}

void PageTest::TearDown() {
  if (!browser_) return;
  EXPECT_EQ(browser_->script("return sessionStorage.getItem('faults') ?? ''"), "");
}

void PageTest::open_page(std::vector<std::string> server_options, const std::string& version) {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  folder_ = fs::path(SVD_TEST_DATA_DIR) / "server_page" / test->name();
  server_.emplace(folder_, tiny_checkpoint(Decoder::temporal), version, std::move(server_options));
  server_->start();
  browser_.emplace(folder_);
  browser_->on_every_page(kNoteFaults + before_page_);
  browser_->open(server_->url());
  browser_->wait_until(
      "document.querySelector('#connection').dataset.state === 'live' || document.querySelector('dialog[open]')");
}

fs::path PageTest::picture(const std::string& name, const Image& image) const {
  const fs::path path = folder_ / name;
  write_png(path, image);
  return path;
}

fs::path PageTest::picture() const {
  return picture("picture.png", Image{.width = 300, .height = 200, .rgb = test_image(200, 300, 0)});
}

void PageTest::choose(const fs::path& file) { browser_->type("#image", file.string()); }

void PageTest::set_small_video(int frames, int steps) {
  browser_->replace("#height", "64");
  browser_->replace("#width", "128");
  browser_->replace("#num_frames", std::to_string(frames));
  browser_->replace("#num_steps", std::to_string(steps));
}

void PageTest::sample() {
  const std::string before = job_id();
  browser_->click("#sample");
  browser_->wait_until("(document.querySelector('#result').dataset.job ?? '') !== '" + before + "' || " +
                       "document.querySelector('[aria-invalid]') || !document.querySelector('#form-error').hidden");
}

std::string PageTest::job_id() {
  return browser_->script("return document.querySelector('#result').dataset.job ?? ''");
}

void PageTest::wait_for_state(const std::string& state) {
  browser_->wait_until("document.querySelector('#result').dataset.state === '" + state + "'");
}

void PageTest::wait_for_playing_video() {
  browser_->wait_until(
      "document.querySelector('#video')?.readyState >= 2 && document.querySelector('#video').currentTime > 0");
}

}  // namespace svd::test
