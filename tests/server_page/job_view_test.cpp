// What stays as it is when a job changes its state.
#include <gmock/gmock.h>

#include "page_test.h"

namespace svd::test {
namespace {

using nlohmann::json;

TEST_F(PageTest, AJobEndsWithoutDisturbing) {
  open_page();
  choose(picture());
  set_small_video(4, 1000);
  sample();
  browser_->wait_until("document.querySelector('#job-state').textContent === 'Running'");
  browser_->script(R"js(
    const kept = window.kept = {
      title: document.querySelector("#result-title"),
      screen: document.querySelector("#result .screen"),
      reuse: document.querySelector("#job-reuse"),
    };
    getSelection().selectAllChildren(kept.title);
    document.querySelector("#job-cancel").focus({preventScroll: true});
    document.body.style.minHeight = "3000px";
    scrollTo(0, 60);
    kept.top = kept.title.getBoundingClientRect().top;)js");
  browser_->script("await fetch(`/api/v1/jobs/${arguments[0]}/cancel`, {method: 'POST'})", {job_id()});
  wait_for_state("cancelled");
  EXPECT_EQ(browser_->script(R"js(
    const {title, screen, reuse, top} = window.kept;
    return {
      nodes: [title, screen, reuse].every((each) => each.isConnected),
      selected: getSelection().toString() === title.textContent,
      moved: title.getBoundingClientRect().top - top,
      focus: document.activeElement.id,
      cancel: document.querySelector("#job-cancel").checkVisibility(),
    };)js"),
            json::parse(R"({"nodes": true, "selected": true, "moved": 0, "focus": "result", "cancel": false})"));
}

}  // namespace
}  // namespace svd::test
