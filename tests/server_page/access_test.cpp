// Keyboard, small screens, screen readers, contrast, tokens.
#include <gmock/gmock.h>

#include "page_test.h"

namespace svd::test {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kOpenAllGroups = "for (const group of document.querySelectorAll('details')) group.open = true";

// The id of what has the focus, and whether one can see that it has it. A video's controls show it themselves, out of
// reach of scripts.
constexpr const char* kFocus = R"js(
  const focused = document.activeElement;
  const marked = focused.type === "file" ? focused.parentElement : focused;
  return [focused.id, focused.localName === "video" || getComputedStyle(marked).outlineStyle !== "none"];)js";

class AccessPageTest : public PageTest {
 protected:
  void tab_to(const std::string& id) {
    for (int presses = 0; presses < 60; ++presses) {
      browser_->press(key::tab);
      const json focus = browser_->script(kFocus);
      EXPECT_EQ(focus[1], true) << "the focus cannot be seen at "
                                << browser_->script("return document.activeElement.outerHTML");
      if (focus[0] == id) return;
    }
    FAIL() << "the Tab key does not reach " << id;
  }

  void type_number(const std::string& id, const std::string& number) {
    tab_to(id);
    browser_->script("document.activeElement.select()");  // as browsers do for text fields reached by Tab
    browser_->press(number);
  }

  void expect_no_sideways_scrolling(const std::string& when) {
    const json widths = browser_->script("return [document.documentElement.scrollWidth, innerWidth]");
    EXPECT_LE(widths[0], widths[1]) << when;
  }
};

TEST_F(AccessPageTest, WorksWithTheKeyboardAlone) {
  open_page();
  tab_to("image");
  choose(picture());  // what the file chooser, which no driver can operate, would bring
  browser_->wait_until("!document.querySelector('#previews').hidden");
  tab_to("sample");
  type_number("height", "64");
  type_number("width", "128");
  type_number("num_frames", "4");
  type_number("num_steps", "2");
  browser_->press(key::enter);  // in a field: samples
  wait_for_state("done");
  wait_for_playing_video();

  tab_to("job-delete");
  browser_->press(key::enter);
  browser_->wait_until("document.querySelector('#confirm').open");
  browser_->press(key::escape);
  browser_->wait_until("!document.querySelector('#confirm').open");
  EXPECT_TRUE(browser_->exists("#gallery li")) << "Escape is a no";
  browser_->wait_until("document.activeElement.id === 'job-delete'");
}

TEST_F(AccessPageTest, AnErrorIsAddedToTheHint) {
  open_page();
  const char* kDescription = "return document.querySelector('#motion_bucket_id').getAttribute('aria-describedby')";
  EXPECT_EQ(browser_->script(kDescription), "motion_bucket_id-hint");
  browser_->replace("#motion_bucket_id", "1.5");
  browser_->press(key::tab);
  EXPECT_EQ(browser_->script(kDescription), "motion_bucket_id-hint motion_bucket_id-error");
  browser_->replace("#motion_bucket_id", "2");
  EXPECT_EQ(browser_->script(kDescription), "motion_bucket_id-hint");
}

TEST_F(AccessPageTest, EachAnnouncementIsHeard) {
  open_page();
  // A log's additions are read one after another.
  EXPECT_EQ(browser_->script(R"js(
    const log = document.querySelector("#live");
    const added = [];
    new MutationObserver((records) => added.push(...records.flatMap((each) => [...each.addedNodes])))
        .observe(log, {childList: true});
    const {announce} = await import("/assets/dom.js");
    for (const text of ["One.", "Two.", "Two."]) announce(text);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return [log.getAttribute("role"), added.map((each) => each.textContent), added.every((each) => each.isConnected)];
  )js"),
            json::parse(R"(["log", ["One.", "Two.", "Two."], true])"));
}

TEST_F(AccessPageTest, FitsOnAPhone) {
  open_page();
  browser_->emulate_screen(360, 740, 2, true);
  browser_->reload();
  expect_no_sideways_scrolling("empty");
  choose(picture());
  browser_->script(kOpenAllGroups);
  set_small_video(4, 2);
  expect_no_sideways_scrolling("with all settings open");
  sample();
  wait_for_state("done");
  expect_no_sideways_scrolling("with a video");
  const json small = browser_->script(R"js(
    return [...document.querySelectorAll("button, select, input:not([type=file], [type=checkbox]), .button")]
        .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 38).map((each) => each.outerHTML);)js");
  EXPECT_THAT(small, IsEmpty()) << "too small for a finger";
}

TEST_F(AccessPageTest, EveryControlHasAName) {
  open_page();
  browser_->script(kOpenAllGroups);
  const std::string controls = "input, select, button, summary, canvas, video, progress";
  const json ids = browser_->script(
      "return [...document.querySelectorAll(arguments[0])].map((each) => each.checkVisibility() ? each.outerHTML : '')",
      {controls});
  ASSERT_GT(ids.size(), 30u);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == "") continue;
    EXPECT_THAT(browser_->accessible_name(controls, i), Not(IsEmpty())) << ids[i];
  }
  EXPECT_THAT(browser_->script(R"js(
    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    return ids.filter((id, index) => ids.indexOf(id) !== index);)js"),
              IsEmpty())
      << "used twice";
}

// WCAG 2: 4.5 : 1 for text.
TEST_F(AccessPageTest, TextCanBeReadInBothColourSchemes) {
  open_page();
  choose(picture());
  browser_->script(kOpenAllGroups);
  browser_->replace("#height", "65");
  set_small_video(4, 2);
  sample();
  wait_for_state("done");
  browser_->replace("#height", "65");
  browser_->press(key::tab);
  for (const std::string scheme : {"light", "dark"}) {
    browser_->emulate_media("prefers-color-scheme", scheme);
    browser_->script("await new Promise((resolve) => setTimeout(resolve, 300))");  // colours change gradually
    const json result = browser_->script(R"js(
      const parse = (colour) => colour.match(/[\d.]+/g).map(Number);
      const luminance = (colour) => {
        const [r, g, b] = parse(colour).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const backgroundOf = (node) => {
        for (; node; node = node.parentElement) {
          const colour = getComputedStyle(node).backgroundColor;
          if ((parse(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
      };
      let checked = 0;
      const poor = [];
      for (const node of document.querySelectorAll("body *")) {
        const hasText = [...node.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim());
        if (!hasText || !node.checkVisibility() || node.closest(".visually-hidden")) continue;
        const [a, b] = [luminance(getComputedStyle(node).color), luminance(backgroundOf(node))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        ++checked;
        if (contrast < 4.5) poor.push(`${contrast.toFixed(2)}: ${node.outerHTML}`);
      }
      return [checked, poor];)js");
    EXPECT_GT(result[0], 60) << scheme;
    EXPECT_THAT(result[1], IsEmpty()) << scheme;
  }
}

TEST_F(AccessPageTest, ReducedMotionDoesNotPlayByItself) {
  open_page();
  browser_->emulate_media("prefers-reduced-motion", "reduce");
  choose(picture());
  set_small_video(2, 1);
  sample();
  wait_for_state("done");
  browser_->wait_until("document.querySelector('#video').readyState >= 1");
  EXPECT_EQ(browser_->script("return document.querySelector('#video').paused"), true);
}

TEST_F(AccessPageTest, AsksForTheToken) {
  open_page({"--token", "let-me-in-please"});
  browser_->wait_until("document.querySelector('#sign-in').open");
  browser_->type("#token", "wrong");
  browser_->press(key::enter);
  browser_->wait_until("document.querySelector('#token-error')");
  EXPECT_EQ(browser_->text("#token-error"), "This is not the server's token.");
  browser_->replace("#token", "let-me-in-please");
  browser_->press(key::enter);
  browser_->wait_until("!document.querySelector('#sign-in').open");
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'live'");
  choose(picture());
  set_small_video(2, 1);
  sample();
  wait_for_state("done");
  wait_for_playing_video();  // a video element cannot send the token: this needs the cookie
  EXPECT_EQ(browser_->script("return document.cookie"), "") << "scripts must not see it";

  browser_->forget_cookies();
  EXPECT_EQ(server_->stop(), 0);
  server_->start();
  browser_->wait_until("document.querySelector('#sign-in').open");
  browser_->type("#token", "let-me-in-please");
  browser_->press(key::enter);
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'live'");
}

}  // namespace
}  // namespace svd::test
