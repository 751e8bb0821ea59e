// Filling in the form: pictures, versions, and what the page says of what cannot be used.
#include <gmock/gmock.h>

#include <fstream>

#include "page_test.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// Red, green and blue, each a third of the width.
Image three_stripes(int width, int height) {
  Image image{.width = width, .height = height, .rgb = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int channel = 0; channel < 3; ++channel) image.rgb.push_back(3 * x / width == channel ? 255 : 0);
    }
  }
  return image;
}

// A bitmap of one white pixel: what browsers show and the server does not take.
constexpr char kBmp[] =
    "BM\x3A\0\0\0\0\0\0\0\x36\0\0\0"
    "\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0\0\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\xFF\xFF\xFF\0";

fs::path write_file(const fs::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST_F(PageTest, ShowsWhatTheCropLeaves) {
  open_page();
  choose(picture("stripes.png", three_stripes(300, 100)));
  browser_->replace("#height", "64");
  browser_->replace("#width", "64");
  browser_->wait_until("document.querySelector('#crop-size').textContent.startsWith('64 × 64')");
  EXPECT_EQ(browser_->text("#crop-size"), "64 × 64, 33 % of it");
  const json pixels = browser_->script(R"js(
    const canvas = document.querySelector("#crop-preview");
    const at = (x, y) => Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data);
    return [canvas.width, canvas.height, at(2, 2), at(canvas.width - 3, canvas.height - 3)];)js");
  EXPECT_EQ(pixels, json::parse("[64, 64, [0, 255, 0, 255], [0, 255, 0, 255]]"));

  browser_->replace("#width", "192");  // the picture's own shape
  EXPECT_EQ(browser_->text("#crop-size"), "192 × 64, all of it");
}

TEST_F(PageTest, TakesDroppedAndPastedPictures) {
  open_page();
  constexpr const char* kSend = R"js(
    const [event, width] = arguments;
    const canvas = Object.assign(document.createElement("canvas"), {width, height: 100});
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    const transfer = new DataTransfer();
    transfer.items.add(new File([blob], "it.png", {type: "image/png"}));
    const init = {bubbles: true, cancelable: true};
    document.querySelector("main").dispatchEvent(
        event === "drop" ? new DragEvent(event, {...init, dataTransfer: transfer})
                         : new ClipboardEvent(event, {...init, clipboardData: transfer}));)js";
  browser_->script(kSend, {"drop", 210});
  browser_->wait_until("document.querySelector('#picture-size').textContent === '210 × 100'");
  browser_->script(kSend, {"paste", 220});
  browser_->wait_until("document.querySelector('#picture-size').textContent === '220 × 100'");
}

TEST_F(PageTest, SaysWhyAPictureCannotBeUsed) {
  open_page();
  browser_->click("#sample");
  EXPECT_EQ(browser_->text("#image-error"), "Choose a picture first.");

  choose(write_file(folder_ / "notes.txt", "not a picture"));
  browser_->wait_until("document.querySelector('#image-error').textContent.includes('notes.txt')");
  choose(write_file(folder_ / "broken.png", "\x89PNG\r\n\x1a\n, then something else"));
  browser_->wait_until("document.querySelector('#image-error').textContent.includes('broken.png')");
  EXPECT_THAT(browser_->text("#image-error"), HasSubstr("cannot be read as a picture"));

  // The browser shows this one, the server does not take it.
  choose(write_file(folder_ / "really_bmp.png", {kBmp, sizeof(kBmp) - 1}));
  browser_->wait_until("!document.querySelector('#previews').hidden");
  set_small_video(4, 2);
  sample();
  browser_->wait_until("document.querySelector('#image-error')");
  EXPECT_THAT(browser_->text("#image-error"), HasSubstr("BMP"));
  EXPECT_EQ(browser_->script("return document.activeElement.id"), "image");
  EXPECT_FALSE(browser_->exists("#gallery li"));

  choose(picture());
  browser_->wait_until("!document.querySelector('#image-error')");
}

TEST_F(PageTest, ChoosesAVersionThatIsThere) {
  open_page({}, "svd_xt");
  EXPECT_EQ(browser_->script("return ['version', 'num_frames', 'num_steps', 'height', 'width', 'guider.max_scale']"
                             ".map((id) => document.getElementById(id).value)"),
            json::parse(R"(["svd_xt", "25", "30", "576", "1024", "3"])"));
  EXPECT_EQ(browser_->text("#version-hint"), "");
  browser_->click("#version option[value=svd]");
  EXPECT_EQ(browser_->script("return document.querySelector('#num_frames').value"), "14");
  EXPECT_THAT(browser_->text("#version-hint"), HasSubstr("svd.safetensors"));
}

TEST_F(PageTest, SaysWhatIsWrongBesideTheField) {
  open_page();
  choose(picture());
  browser_->script("document.querySelector('#video-settings').open = false");
  browser_->script("document.querySelector('#height').value = 65");
  browser_->click("#sample");
  EXPECT_EQ(browser_->text("#height-error"), "A multiple of 64 is needed.");
  EXPECT_EQ(browser_->script("return document.activeElement.id"), "height");
  browser_->replace("#height", "64");
  EXPECT_FALSE(browser_->exists("#height-error"));

  browser_->replace("#fps", "6.5");
  browser_->press(key::tab);
  EXPECT_EQ(browser_->text("#fps-error"), "A whole number is needed.");
  browser_->replace("#fps", "6");
}

TEST_F(PageTest, SaysHowToGetWeights) {
  open_page();
  browser_->click("#version option[value=svd_xt_1_1]");
  const std::string site = "huggingface.co/stabilityai/stable-video-diffusion-img2vid-xt-1-1";
  EXPECT_EQ(browser_->text("#version-hint"),
            "The server has no weights for svd_xt_1_1.\n"
            "Download svd_xt_1_1.safetensors from " +
                site +
                " (accept the licence there first).\n"
                "Put it in the server's folder for checkpoints, then reload this page.");
  EXPECT_EQ(browser_->script("return document.querySelector('#version-hint a').href"), "https://" + site);
  choose(picture());
  sample();
  browser_->wait_until("document.querySelector('#version-error')");
  EXPECT_EQ(browser_->text("#version-error"),
            "There are no weights for svd_xt_1_1. Choose another version, or add them.");

  // Gone while the page was open.
  browser_->click("#version option[value=svd]");
  EXPECT_EQ(browser_->text("#version-hint"), "");
  fs::remove(folder_ / "checkpoints" / "svd.safetensors");
  browser_->click("#model-button");
  browser_->wait_until("document.querySelector('#version-error')");
  EXPECT_THAT(browser_->text("#version-hint"), HasSubstr("Download svd.safetensors"));
  EXPECT_THAT(browser_->text("main"), Not(HasSubstr("--checkpoint")));
}

TEST_F(PageTest, NoAnswerIsForgottenWhenTheServerIsBack) {
  open_page();
  EXPECT_EQ(server_->stop(), 0);
  browser_->click("#model-button");
  browser_->wait_until("!document.querySelector('#form-error').hidden");
  server_->start();
  browser_->wait_until("document.querySelector('#connection').dataset.state === 'live'");
  browser_->wait_until("document.querySelector('#form-error').hidden");
}

}  // namespace
}  // namespace svd::test
