// Many tabs of one browser. Browsers open six connections to a server at most.
#include <gmock/gmock.h>

#include "page_test.h"

namespace svd::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class TabsPageTest : public PageTest {
 protected:
  // That many tabs in all, each connected.
  std::vector<std::string> open_tabs(size_t count) {
    open_page();
    std::vector<std::string> tabs = {browser_->tab()};
    while (tabs.size() < count) {
      tabs.push_back(browser_->open_tab());
      browser_->open(server_->url());
      wait_until_connected();
    }
    return tabs;
  }

  void wait_until_connected() {
    browser_->wait_until("document.querySelector('#connection').dataset.state === 'live'");
  }

  std::string metrics() { return browser_->script("return (await fetch('/metrics')).text()"); }
};

TEST_F(TabsPageTest, ShareOneStream) {
  std::vector<std::string> tabs = open_tabs(8);
  EXPECT_THAT(metrics(), HasSubstr("svd_event_listeners 1\n"));
  browser_->wait_until("document.querySelector('#model-state').textContent === 'Not loaded'");
  choose(picture());
  set_small_video(2, 1);
  sample();
  wait_for_state("done");
  const std::string job = job_id();

  browser_->switch_to(tabs[0]);  // it has the stream
  browser_->wait_until("document.querySelector('#gallery button').dataset.state === 'done'");
  browser_->close_tab();
  tabs.erase(tabs.begin());
  browser_->switch_to(tabs[3]);
  browser_->script("await fetch(`/api/v1/jobs/${arguments[0]}`, {method: 'DELETE'})", {job});
  for (const std::string& tab : tabs) {
    browser_->switch_to(tab);
    browser_->wait_until("!document.querySelector('#gallery li')");
  }
  EXPECT_EQ(server_->stop(), 0);
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'lost'");
  server_->start();
  wait_until_connected();
}

// As on http:// addresses of other machines.
TEST_F(TabsPageTest, WithoutLocksAHiddenPageHasNoStream) {
  before_page_ = R"js(
    Object.defineProperty(Navigator.prototype, "locks", {value: undefined});
    let hidden = false;
    Object.defineProperty(Document.prototype, "hidden", {get: () => hidden});
    window.hide = (value) => {
      hidden = value;
      document.dispatchEvent(new Event("visibilitychange"));
    };
    window.streams = [];
    window.EventSource = class extends EventSource {
      constructor(...url) {
        super(...url);
        streams.push(this);
      }
    };)js";
  open_page();
  EXPECT_EQ(browser_->script("hide(true); return streams.map((each) => each.readyState)"), json::parse("[2]"));
  browser_->script("hide(false)");
  browser_->wait_until("streams.length === 2 && streams[1].readyState === EventSource.OPEN");
}

}  // namespace
}  // namespace svd::test
