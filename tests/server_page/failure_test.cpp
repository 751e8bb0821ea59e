// What the page says when something cannot be loaded or understood. That nothing throws is checked after each test.
#include <gmock/gmock.h>

#include "page_test.h"

namespace svd::test {
namespace {

using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr const char* kExposeStream = R"js(
  window.EventSource = class extends EventSource {
    constructor(...url) {
      super(...url);
      window.stream = this;
    }
  };)js";

// Of what is on the screen, from now on.
constexpr const char* kNoteMessages = R"js(
  window.said = new Set();
  const note = () => {
    const message = document.querySelector("#screen-error:not([hidden])");
    if (message) said.add(message.textContent);
  };
  new MutationObserver(note).observe(document.querySelector("#result"),
                                     {subtree: true, childList: true, attributes: true});)js";

TEST_F(PageTest, SaysWhatCannotBeLoaded) {
  open_page();
  choose(picture());
  set_small_video(4, 16);
  browser_->block({"*/preview.png*", "*/files/video.mp4", "*/files/input.png", "*/files/frames/*"});
  browser_->script(kNoteMessages);
  sample();
  wait_for_state("done");
  browser_->wait_until("document.querySelector('#screen-error').textContent.startsWith('The video')");
  EXPECT_THAT(browser_->script("return [...window.said]"),
              UnorderedElementsAre("The picture of this job could not be loaded.",
                                   "The preview could not be loaded. The job goes on.",
                                   "The video could not be loaded. Reload the page to try again."));

  browser_->click("#job-reuse");
  browser_->wait_until("!document.querySelector('#job-failure').hidden");
  EXPECT_THAT(browser_->text("#job-failure"), StartsWith("The settings are in the form, but not the picture."));

  browser_->block({});
  browser_->script("document.querySelector('#video').load()");
  browser_->wait_until("document.querySelector('#screen-error').hidden");
}

TEST_F(PageTest, SaysWhatItDoesNotUnderstand) {
  before_page_ = kExposeStream;
  open_page();
  for (const std::string data : {"{", "null", "{\"id\": 7}", "{\"id\": \"7\", \"state\": \"done\"}"}) {
    for (const std::string name : {"job", "model", "deleted"}) {
      browser_->script("window.stream.dispatchEvent(new MessageEvent(arguments[0], {data: arguments[1]}))",
                       {name, data});
    }
    EXPECT_THAT(browser_->text("#form-error"), StartsWith("The server sent something")) << data;
    EXPECT_FALSE(browser_->exists("#gallery li"));
  }
}

TEST_F(PageTest, SaysThatAPictureIsGone) {
  open_page();
  choose(picture());
  browser_->wait_until("!document.querySelector('#previews').hidden");
  std::filesystem::remove(folder_ / "picture.png");
  sample();
  browser_->wait_until("document.querySelector('#image-error')");
  EXPECT_EQ(browser_->text("#image-error"),
            "picture.png has changed, or is gone, since it was chosen. Choose it again.");
}

}  // namespace
}  // namespace svd::test
