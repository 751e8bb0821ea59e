// From a picture to a video that plays, and what stays of it.
#include <gmock/gmock.h>

#include "page_test.h"
#include "support/video_reader.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Notes from now on what the page shows of a job, each different value once.
constexpr const char* kWatchProgress = R"js(
  const seen = window.seen = {headlines: [], steps: [], paces: [], previews: []};
  const note = (list, value) => value !== undefined && list.at(-1) !== value && list.push(value);
  const look = () => {
    const text = (id) => document.getElementById(id)?.textContent;
    window.screenBefore ??= document.querySelector("#result .screen:has(.waiting)");
    note(seen.headlines, text("progress-headline"));
    note(seen.steps, text("progress-step"));
    note(seen.paces, text("progress-pace"));
    const forming = document.querySelector(".forming:not([hidden])");
    if (forming && seen.previews.length === 0) {
      const {data} = forming.getContext("2d").getImageData(0, 0, forming.width, forming.height);
      note(seen.previews, new Set(data).size);
    }
  };
  new MutationObserver(look).observe(document.getElementById("result"),
                                     {subtree: true, childList: true, characterData: true, attributes: true});
)js";

class SamplePageTest : public PageTest {
 protected:
  // A finished video of 4 frames in view.
  void make_video() {
    open_page();
    browser_->script(R"js(
      const box = document.querySelector("#save_locally");
      if (!box.checked) box.click();)js");
    choose(picture());
    set_small_video(4, 2);
    sample();
    wait_for_state("done");
    wait_for_playing_video();
  }

  json gallery() {
    return browser_->script(
        "return [...document.querySelectorAll('#gallery .gallery-state')].map((each) => each.textContent)");
  }
};

TEST_F(SamplePageTest, PictureModelSample) {
  open_page();
  choose(picture());
  browser_->wait_until("!document.querySelector('#previews').hidden");
  EXPECT_EQ(browser_->text("#picture-size"), "300 × 200");

  EXPECT_EQ(browser_->text("#model-state"), "Not loaded");
  browser_->click("#model-button");
  browser_->wait_until("document.querySelector('#model').dataset.state === 'ready'");
  EXPECT_EQ(browser_->text("#model-state"), "svd is ready");
  EXPECT_THAT(browser_->text("#model-detail"), AllOf(ContainsRegex("[0-9] [MG]iB in memory"), HasSubstr("cpu")));

  set_small_video(5, 8);
  browser_->replace("#seed", "7");
  EXPECT_EQ(browser_->text("#action-summary"), "5 frames of 128 × 64, 8 steps, seed 7");
  browser_->script(kWatchProgress);
  sample();
  wait_for_state("done");

  const json seen = browser_->script("return window.seen");
  EXPECT_THAT(seen["headlines"], Contains(StartsWith("Denoising"))) << seen;
  // Not every step: a busy browser hears of several at once.
  EXPECT_THAT(seen["steps"], AllOf(SizeIs(Ge(4u)), Contains("8 of 8"))) << seen;
  EXPECT_THAT(seen["paces"], Contains(EndsWith(" s"))) << seen;
  ASSERT_THAT(seen["previews"], SizeIs(1)) << "no preview of the video forming was seen: " << seen;
  EXPECT_GT(seen["previews"][0], 10) << "the preview is blank";

  wait_for_playing_video();
  EXPECT_EQ(browser_->script("return screenBefore.isConnected"), true) << "the video's place was built anew";
  const json video = browser_->script(
      "const v = document.querySelector('#video'); return [v.videoWidth, v.videoHeight, v.duration, v.paused, v.loop]");
  EXPECT_EQ(video[0], 128);
  EXPECT_EQ(video[1], 64);
  EXPECT_NEAR(video[2].get<double>(), 5.0 / 6, 0.05);
  EXPECT_EQ(video[3], false);
  EXPECT_EQ(video[4], true);

  browser_->wait_until("[...document.querySelectorAll('#frames img')].every((each) => each.complete)");
  const json frames = browser_->script(
      "return [...document.querySelectorAll('#frames img')].map((each) => [each.naturalWidth, each.offsetTop])");
  ASSERT_THAT(frames, SizeIs(5));
  for (const json& frame : frames) EXPECT_EQ(frame[0], 128);
  EXPECT_EQ(frames[0][1], frames[3][1]) << "four in a row";
  EXPECT_LT(frames[3][1], frames[4][1]);
  EXPECT_THAT(browser_->text("#settings-used"), AllOf(HasSubstr("Seed\n7"), HasSubstr("Euler (EDM)")));

  const json downloads = browser_->script(R"js(
    const links = [...document.querySelectorAll(".downloads a[download]")];
    return Promise.all(links.map(async (link) => {
      const answer = await fetch(link.href);
      return [answer.status, (await answer.arrayBuffer()).byteLength];
    })))js");
  ASSERT_THAT(downloads, SizeIs(3));
  for (const json& download : downloads) {
    EXPECT_EQ(download[0], 200);
    EXPECT_GT(download[1], 500);
  }

  const json origins = browser_->script(
      "return [...new Set(performance.getEntriesByType('resource').map((each) => new URL(each.name).origin))]");
  EXPECT_EQ(origins, json::array({browser_->script("return location.origin")})) << "loads from elsewhere";
  EXPECT_THAT(browser_->console_errors(), IsEmpty());

  browser_->click("#model-button");
  browser_->wait_until("document.querySelector('#model-state').textContent === 'Not loaded'");
}

TEST_F(SamplePageTest, SamplerGuiderAndFileRate) {
  open_page();
  browser_->script("for (const group of document.querySelectorAll('details')) group.open = true");
  const auto parameters = [&](const std::string& group) {
    return browser_->script(
        "return [...document.querySelectorAll(`[data-method=${arguments[0]}] input`)].map((each) => each.name)",
        {group});
  };
  EXPECT_EQ(parameters("sampler"), json::parse(R"(["sampler.s_churn", "sampler.s_tmin", "sampler.s_tmax",
                                                   "sampler.s_noise"])"));
  browser_->click("[name='sampler.name'] option[value=LinearMultistepSampler]");
  EXPECT_EQ(parameters("sampler"), json::parse(R"(["sampler.order"])"));
  browser_->click("[name='discretization.name'] option[value=LegacyDDPMDiscretization]");
  EXPECT_EQ(parameters("discretization"), json::array());
  browser_->click("[name='guider.name'] option[value=VanillaCFG]");
  EXPECT_EQ(parameters("guider"), json::parse(R"(["guider.scale"])"));
  browser_->replace("[name='sampler.order']", "3");
  browser_->replace("[name='guider.scale']", "1.5");
  EXPECT_FALSE(browser_->script("return document.querySelector('#video_fps').checkVisibility()"));
  browser_->click("#overwrite_fps");
  browser_->replace("#video_fps", "12");
  choose(picture());
  set_small_video(4, 2);
  sample();
  wait_for_state("done");
  wait_for_playing_video();
  EXPECT_NEAR(browser_->script("return document.querySelector('#video').duration").get<double>(), 4.0 / 12, 0.05);
  EXPECT_THAT(browser_->text("#settings-used"), AllOf(HasSubstr("Linear multistep\norder 3"), HasSubstr("Legacy DDPM"),
                                                      HasSubstr("scale 1.5"), HasSubstr("6, file 12")));
}

TEST_F(SamplePageTest, SavesWhereItSays) {
  make_video();
  const json paths =
      browser_->script("return [...document.querySelectorAll('#saved-to code')].map((each) => each.textContent)");
  ASSERT_THAT(paths, AllOf(Contains(EndsWith("outputs/demo/vid/svd/samples/000000.mp4")),
                           Contains(EndsWith("outputs/demo/vid/svd/samples/000000.png"))));
  const fs::path samples = folder_ / "outputs/demo/vid/svd/samples";
  const Video video = read_video(samples / "000000.mp4");
  EXPECT_EQ(video.codec, "h264");
  EXPECT_THAT(video.frames, SizeIs(4));
  EXPECT_EQ(read_image(samples / "000000.png").width, 4 * 128);
}

TEST_F(SamplePageTest, VideosSurviveReloadAndRestart) {
  make_video();
  const std::string job = job_id();
  const json before = gallery();

  browser_->reload();
  wait_for_state("done");
  EXPECT_EQ(job_id(), job);
  EXPECT_EQ(gallery(), before);
  wait_for_playing_video();

  EXPECT_EQ(server_->stop(), 0);
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'lost'");
  server_->start();
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'live'");
  EXPECT_EQ(gallery(), before);

  browser_->reload();
  wait_for_state("done");
  EXPECT_EQ(job_id(), job);
  EXPECT_EQ(gallery(), before);
  wait_for_playing_video();
}

TEST_F(SamplePageTest, RunsAgainWithTheSameSettings) {
  make_video();
  const std::string first = job_id();
  const auto frame = [&] {
    browser_->wait_until("document.querySelector('#frames img').complete");
    return browser_->script(R"js(
      const bytes = await (await fetch(document.querySelector("#frames img").src)).arrayBuffer();
      const hash = await crypto.subtle.digest("SHA-256", bytes);
      return Array.from(new Uint8Array(hash)).join();)js");
  };
  const json first_frame = frame();

  browser_->click("#job-repeat");
  browser_->wait_until("document.querySelector('#result').dataset.job !== '" + first + "'");
  wait_for_state("done");
  EXPECT_EQ(frame(), first_frame);

  const std::string second = job_id();
  browser_->click("#job-reseed");
  browser_->wait_until("document.querySelector('#result').dataset.job !== '" + second + "'");
  wait_for_state("done");
  EXPECT_NE(frame(), first_frame);
  EXPECT_THAT(gallery(), SizeIs(3));

  browser_->script("document.querySelector('#reset').click(); document.querySelector('#picture-clear').click();");
  EXPECT_EQ(browser_->script("return document.querySelector('#num_frames').value"), "14");
  browser_->click("#job-reuse");
  browser_->wait_until("!document.querySelector('#previews').hidden");
  EXPECT_EQ(browser_->text("#picture-size"), "300 × 200");
  EXPECT_EQ(browser_->script("return document.querySelector('#num_frames').value"), "4");

  browser_->click("#job-delete");
  browser_->click("#confirm-yes");
  browser_->wait_until("document.querySelectorAll('#gallery li').length === 2");
  browser_->reload();
  browser_->wait_until("document.querySelectorAll('#gallery li').length === 2");
}

TEST_F(SamplePageTest, CancelStopsARunningJob) {
  open_page();
  choose(picture());
  set_small_video(4, 1000);
  sample();
  browser_->wait_until("/^[1-9]/.test(document.querySelector('#progress-step')?.textContent)");
  browser_->click("#job-cancel");
  wait_for_state("cancelled");
  browser_->wait_until("document.activeElement.id === 'result'");  // the button that had the focus is gone
  EXPECT_EQ(browser_->text("#job-state"), "Cancelled");
  EXPECT_EQ(gallery(), json::array({"Cancelled"}));
}

TEST_F(SamplePageTest, SeveralSamplesPerClick) {
  open_page();
  choose(picture());
  set_small_video(2, 16);
  browser_->script("for (const group of document.querySelectorAll('details')) group.open = true");
  browser_->replace("#num_samples", "2");
  sample();
  browser_->wait_until("document.querySelectorAll('#gallery li').length === 2");
  browser_->click("#gallery li:first-child button");  // the newest: it waits for the other
  EXPECT_THAT(browser_->text("#progress-headline"), StartsWith("Waiting · place"));
  wait_for_state("done");
  const json states = gallery();
  ASSERT_THAT(states, SizeIs(2));
  EXPECT_NE(states[0], states[1]) << "the samples have seeds of their own";
}

}  // namespace
}  // namespace svd::test
