// What the API refuses, and with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

class Refusal : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(get_json(client_, "/api/v1/jobs")["jobs"].size(), 0u) << "something was accepted";
  }

  httplib::Result raw(const std::string& body, const std::string& type, const httplib::Headers& headers = {}) {
    return client_.Post("/api/v1/jobs", headers, body, type);
  }

  TemporaryFolder folder_;
  ServerProcess server_{
      folder_.path(),
      {"--max_upload=1", "--max_picture_side=600", "--max_picture_megapixels=1", "--uploads_per_minute=10000"}};
  httplib::Client client_ = server_.client();
};

TEST_F(Refusal, SettingsThatMakeNoSense) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"fps": 0})", "bad_setting: fps: expected a whole number from 1 to 120, found 0"},
      {R"({"fps": 6.5})", "bad_setting: fps: expected a whole number from 1 to 120, found 6.5"},
      {R"({"fps": "6"})", "found \"6\""},
      {R"({"fps": 1e999})", "expected JSON"},
      {R"({"width": 100})", "width: expected a multiple of 64 from 64 to 2048, found 100"},
      {R"({"width": 2048, "height": 2048})", "at most 2097152 pixels in all"},
      {R"({"height": 2112})", "height: expected"},
      {R"({"num_frames": 0})", "num_frames: expected a whole number from 1 to 1024, found 0"},
      {R"({"num_steps": 1001})", "num_steps: expected"},
      {R"({"seed": 4294967296})", "seed: expected"},
      {R"({"seed": -1})", "seed: expected"},
      {R"({"motion_bucket_id": 512})", "motion_bucket_id: expected"},
      {R"({"cond_aug": -0.1})", "cond_aug: expected a number from 0 to 100, found -0.1"},
      {R"({"decoding_t": 0})", "decoding_t: expected"},
      {R"({"num_samples": 9})", "num_samples: expected a whole number from 1 to 8, found 9"},
      {R"({"version": "sdxl"})", "version: expected one of svd, svd_xt"},
      {R"({"version": "svd_xt"})", "no_checkpoint: no checkpoint for version svd_xt"},
      {R"({"watermark": "no"})", "watermark: expected true or false"},
      {R"({"sampler": "EulerEDMSampler"})", "sampler: expected an object"},
      {R"({"sampler": {"name": "DDIM"}})", "sampler.name: expected one of EulerEDMSampler, HeunEDMSampler"},
      {R"({"sampler": {"eta": 1}})", "sampler.eta: expected no such parameter of EulerEDMSampler"},
      {R"({"sampler": {"s_churn": -1}})", "sampler.s_churn: expected a number from 0 to 1000, found -1"},
      {R"({"sampler": {"name": "LinearMultistepSampler", "order": 1.5}})", "sampler.order: expected a whole number"},
      {R"({"discretization": {"sigma_min": 5, "sigma_max": 4}})", "sigma_min < sigma_max"},
      {R"({"discretization": {"name": "LegacyDDPMDiscretization", "rho": 7}})", "discretization.rho: expected no such"},
      {R"({"guider": {"name": "VanillaCFG", "scale": 101}})", "guider.scale: expected a number from 0 to 100"},
      {R"({"wdith": 64})", "wdith: expected no such setting"},
      {R"({"save_locally": true, "save_path": "/etc"})", "save_path: expected a folder below outputs"},
      {R"({"save_locally": true, "save_path": "outputs/../.."})", "save_path: expected a folder below outputs"},
      {R"({"save_locally": true, "save_path": "data"})", "save_path: expected a folder below outputs"},
      {R"({"save_locally": true, "save_path": "outputs\u0000/x"})", "save_path: a character"},
      {R"([])", "settings: expected an object"},
      {R"({)", "settings: expected JSON"},
      {"", "settings: expected JSON"},
      {std::string(60000, '['), "bad_request"},
      {"{\"a\":" + std::string(30, '[') + std::string(30, ']') + "}", "nested too deeply"},
  };
  for (const auto& [settings, text] : cases) {
    const auto result = post_job(client_, png_picture(), settings);
    ASSERT_TRUE(result) << settings;
    EXPECT_TRUE(result->status == 400 || result->status == 409) << settings << result->status;
    EXPECT_THAT(error_of(result), HasSubstr(text)) << settings;
  }
  const auto field = json::parse(post_job(client_, png_picture(), R"({"sampler": {"s_churn": -1}})")->body);
  EXPECT_EQ(field["error"]["field"], "sampler.s_churn");
}

TEST_F(Refusal, AFolderThatIsALinkToElsewhere) {
  std::filesystem::create_directories(folder_ / "outputs");
  std::filesystem::create_directory_symlink("/tmp", folder_ / "outputs/out");
  const auto result = post_job(client_, png_picture(), R"({"save_locally": true, "save_path": "outputs/out/x"})");
  EXPECT_THAT(error_of(result), HasSubstr("save_path: expected a folder below outputs"));
}

TEST_F(Refusal, PicturesThatAreNone) {
  const std::string png = png_picture();
  std::string damaged = png;
  for (size_t i = 60; i < 200; ++i) damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "bad_picture: The picture is empty"},
      {"GIF89a...", "bad_picture: picture: the picture is damaged or cut short"},
      {"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"},
      {png.substr(0, png.size() / 2), "bad_picture: picture: the picture is damaged or cut short"},
      {damaged, "damaged"},
      {"\xFF\xD8\xFF", "damaged"},
      {png_picture(601, 10), "at most 600 per side"},
      {std::string(content_of(SVD_MEDIA_DATA "/claims_100000x100000.png")), "bad_picture"},
      {std::string(content_of(SVD_MEDIA_DATA "/claims_65000x65000.jpg")), "bad_picture"},
  };
  for (const auto& [picture, text] : cases) {
    const auto result = post_job(client_, picture, "{}");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 400);
    EXPECT_THAT(error_of(result), HasSubstr(text));
    EXPECT_EQ(json::parse(result->body)["error"]["field"], "image");
  }
}

TEST_F(Refusal, BodiesThatAreTooLarge) {
  EXPECT_EQ(post_job(client_, std::string((1 << 20) + 1, 'x'), "{}")->status, 413);
  const auto larger = post_job(client_, std::string(3 << 20, 'x'), "{}");
  if (larger) {  // the answer may come, and the connection go, while the body is still being sent
    EXPECT_EQ(larger->status, 413);
  }
  EXPECT_EQ(client_.Post("/api/v1/model", std::string(100'000, ' '), "application/json")->status, 413);
  EXPECT_EQ(raw("x", "multipart/form-data; boundary=b", {{"Content-Encoding", "gzip"}})->status, 415);
}

TEST_F(Refusal, FormsThatAreNone) {
  const std::string form = "multipart/form-data; boundary=b";
  EXPECT_EQ(raw("{}", "application/json")->status, 415);
  for (const std::string type : {"multipart/form-data", "multipart/form-data; boundary=",
                                 "multipart/form-data; boundary=b", "multipart/form-data; boundary=\"b\""}) {
    EXPECT_EQ(raw("nonsense", type)->status, 400) << type;
  }
  const std::string head = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n";
  EXPECT_EQ(raw(head + "x", form)->status, 400);
  EXPECT_EQ(raw("--b", form)->status, 400);
  EXPECT_EQ(raw("--b--", form)->status, 400);
  EXPECT_THAT(error_of(raw("--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--", form)),
              HasSubstr("no part named image"));
  // A header line that would drive a recursive matcher through its stack.
  EXPECT_EQ(
      raw("--b\r\nContent-Disposition: form-data; name=\"" + std::string(900'000, 'a') + "\"\r\n\r\nx\r\n--b--", form)
          ->status,
      400);
  EXPECT_EQ(get_json(client_, "/api/v1/health")["status"], "ok");
}

TEST_F(Refusal, RequestsForWhatIsNotThere) {
  const std::string unknown = "/api/v1/jobs/0123456789abcdef0123456789abcdef";
  for (const std::string& path : {unknown, unknown + "/events", unknown + "/preview.png", unknown + "/files/video.mp4",
                                  unknown + "/files/input.png", unknown + "/files/frames.tar",
                                  std::string("/api/v1/jobs/X"), std::string("/api/v1/nothing"), std::string("/x")}) {
    const auto result = client_.Get(path);
    EXPECT_EQ(result->status, 404) << path;
    EXPECT_THAT(error_of(result), HasSubstr("not_found: There is no")) << path;
  }
  EXPECT_EQ(client_.Post(unknown + "/cancel")->status, 404);
  EXPECT_EQ(client_.Post(unknown + "/repeat", "{}", "application/json")->status, 404);
  EXPECT_EQ(client_.Delete(unknown)->status, 404);
  EXPECT_EQ(client_.Put("/api/v1/jobs", "x", "text/plain")->status, 405);
}

}  // namespace
}  // namespace svd::test
