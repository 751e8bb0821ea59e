// The hosted service's API, as its clients use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

class Hosted : public testing::Test {
 protected:
  httplib::Result post(httplib::MultipartFormDataItems fields) {
    fields.push_back({"image", png_picture(), "image.png", "image/png"});
    return client_.Post("/v2beta/image-to-video", {{"authorization", "Bearer sk-anything"}}, fields);
  }
  httplib::Result wait_for_result(const std::string& id, const std::string& accept) {
    for (int tries = 0; tries < 1000; ++tries) {
      auto result = client_.Get("/v2beta/image-to-video/result/" + id, {{"Accept", accept}});
      if (!result || result->status != 202) return result;
      EXPECT_EQ(json::parse(result->body), json({{"id", id}, {"status", "in-progress"}}));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return client_.Get("/v2beta/image-to-video/result/" + id);
  }

  TemporaryFolder folder_;
  ServerProcess server_{
      folder_.path(),
      {"--defaults", R"({"version": "svd", "width": 64, "height": 64, "num_frames": 2, "num_steps": 1})"}};
  httplib::Client client_ = server_.client();
};

TEST_F(Hosted, APictureBecomesAVideo) {
  const auto begun = post({{"seed", "42", "", ""}, {"cfg_scale", "2.5", "", ""}, {"motion_bucket_id", "40", "", ""}});
  ASSERT_EQ(begun->status, 200) << begun->body;
  const std::string id = json::parse(begun->body)["id"];
  const auto video = wait_for_result(id, "video/*");
  ASSERT_EQ(video->status, 200);
  EXPECT_EQ(video->get_header_value("Content-Type"), "video/mp4");
  EXPECT_EQ(video->get_header_value("finish-reason"), "SUCCESS");
  EXPECT_EQ(video->get_header_value("seed"), "42");
  EXPECT_EQ(video->body.substr(4, 4), "ftyp");

  const json other = json::parse(wait_for_result(id, "application/json")->body);
  EXPECT_EQ(other["finish_reason"], "SUCCESS");
  EXPECT_EQ(other["seed"], 42);
  const std::string text = other["video"];
  EXPECT_EQ(text.size(), (video->body.size() + 2) / 3 * 4);
  EXPECT_EQ(text.substr(0, 8), "AAAAIGZ0");  // the first six bytes: a box of 32 bytes, "ft"

  const json job = get_json(client_, "/api/v1/jobs/" + id);
  EXPECT_EQ(job["settings"]["guider"],
            json({{"name", "LinearPredictionGuider"}, {"min_scale", 1.0}, {"max_scale", 2.5}}));
  EXPECT_EQ(job["settings"]["motion_bucket_id"], 40);
}

TEST_F(Hosted, SeedZeroIsADifferentOneEachTime) {
  std::set<uint64_t> seeds;
  for (int i = 0; i < 3; ++i) {
    const std::string id = json::parse(post({{"seed", "0", "", ""}})->body)["id"];
    seeds.insert(get_json(client_, "/api/v1/jobs/" + id)["seed"].get<uint64_t>());
  }
  EXPECT_EQ(seeds.size(), 3u);
  EXPECT_FALSE(seeds.contains(0));
}

TEST_F(Hosted, ErrorsHaveItsForm) {
  const auto refused = [&](const httplib::Result& result, int status) {
    EXPECT_EQ(result->status, status) << result->body;
    const json body = json::parse(result->body);
    EXPECT_TRUE(body["id"].is_string());
    EXPECT_TRUE(body["name"].is_string());
    return body["errors"].at(0).get<std::string>();
  };
  EXPECT_THAT(refused(post({{"seed", "4294967295", "", ""}}), 400), HasSubstr("seed: expected a number from 0"));
  EXPECT_THAT(refused(post({{"cfg_scale", "10.1", "", ""}}), 400), HasSubstr("cfg_scale: expected"));
  EXPECT_THAT(refused(post({{"cfg_scale", "nan", "", ""}}), 400), HasSubstr("cfg_scale: expected"));
  EXPECT_THAT(refused(post({{"motion_bucket_id", "0", "", ""}}), 400), HasSubstr("motion_bucket_id: expected"));
  EXPECT_THAT(refused(post({{"motion_bucket_id", "12x", "", ""}}), 400), HasSubstr("motion_bucket_id: expected"));
  const httplib::MultipartFormDataItems no_image = {{"seed", "1", "", ""}};
  EXPECT_THAT(refused(client_.Post("/v2beta/image-to-video", no_image), 400), HasSubstr("image"));
  const httplib::MultipartFormDataItems no_picture = {{"image", "nonsense", "a.png", "image/png"}};
  EXPECT_THAT(refused(client_.Post("/v2beta/image-to-video", no_picture), 400), HasSubstr("it is a text"));
  EXPECT_THAT(refused(client_.Get("/v2beta/image-to-video/result/unknown"), 404), HasSubstr("no generation"));
}

TEST_F(Hosted, AClientThatTakesBothGetsTheVideo) {
  const std::string id = json::parse(post({})->body)["id"];
  wait_for_result(id, "video/*");
  const auto type_for = [&](const std::string& accept) {
    return wait_for_result(id, accept)->get_header_value("Content-Type");
  };
  for (const char* video : {"video/*", "*/*", "video/*, application/json", "application/json, video/mp4",
                            "application/json, text/plain, */*", "application/json;q=0.5, video/*"}) {
    EXPECT_EQ(type_for(video), "video/mp4") << video;
  }
  for (const char* text : {"application/json", "APPLICATION/JSON", "application/json, text/plain",
                           "application/json, video/*;q=0.5", "application/json, */*; q=0.1"}) {
    EXPECT_EQ(type_for(text), "application/json") << text;
  }
}

TEST_F(Hosted, TheOlderAddressIsAnsweredToo) {
  const httplib::MultipartFormDataItems items = {{"image", png_picture(), "image.png", "image/png"}};
  const auto begun = client_.Post("/v2alpha/generation/image-to-video", items);
  ASSERT_EQ(begun->status, 200) << begun->body;
  const std::string id = json::parse(begun->body)["id"];
  wait_for_result(id, "video/*");
  const auto video = client_.Get("/v2alpha/generation/image-to-video/result/" + id);
  EXPECT_EQ(video->status, 200);
  EXPECT_EQ(video->get_header_value("Content-Type"), "video/mp4");
}

TEST(HostedToken, IsAskedForInItsForm) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--token=0123456789abcdef"});
  httplib::Client client = server.client();
  for (const std::string path : {"/v2beta/image-to-video/result/x", "/v2alpha/generation/image-to-video/result/x"}) {
    const auto result = client.Get(path, {{"Authorization", "Bearer sk-wrong"}});
    EXPECT_EQ(result->status, 401);
    const json body = json::parse(result->body);
    EXPECT_TRUE(body["id"].is_string());
    EXPECT_EQ(body["name"], "unauthorized");
    EXPECT_THAT(body["errors"].at(0).get<std::string>(), HasSubstr("token"));
  }
}

TEST(HostedSizes, FollowThePicture) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  const std::vector<std::array<int, 4>> cases = {
      {200, 100, 1024, 576}, {100, 200, 576, 1024}, {100, 110, 768, 768}, {1024, 576, 1024, 576}};
  std::vector<std::string> ids;
  for (const auto& [width, height, video_width, video_height] : cases) {
    const httplib::MultipartFormDataItems items = {{"image", png_picture(width, height), "image.png", "image/png"}};
    const auto result = client.Post("/v2beta/image-to-video", items);
    ASSERT_EQ(result->status, 200) << result->body;
    ids.push_back(json::parse(result->body)["id"]);
    const json settings = get_json(client, "/api/v1/jobs/" + ids.back())["settings"];
    EXPECT_EQ(settings["width"], video_width);
    EXPECT_EQ(settings["height"], video_height);
  }
  for (const std::string& id : ids) client.Post("/api/v1/jobs/" + id + "/cancel");
}

}  // namespace
}  // namespace svd::test
