// Jobs through the API, from the picture to the files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"
#include "support/video_reader.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

class Jobs : public testing::Test {
 protected:
  std::string content_of_file(const json& url) {
    const auto result = client_.Get(url.get<std::string>());
    EXPECT_EQ(result->status, 200) << url;
    return result->body;
  }

  TemporaryFolder folder_;
  ServerProcess server_{folder_.path()};
  httplib::Client client_ = server_.client();
};

TEST_F(Jobs, APictureBecomesAVideoWithItsFiles) {
  json settings = quick_settings();
  settings.update({{"width", 128}, {"num_frames", 5}, {"fps", 8}, {"seed", 7}});
  const auto result = post_job(client_, png_picture(300, 100), settings.dump());
  ASSERT_EQ(result->status, 201) << result->body;
  const json accepted = json::parse(result->body)["jobs"][0];
  const std::string id = accepted["id"];
  EXPECT_EQ(result->get_header_value("Location"), "/api/v1/jobs/" + id);
  EXPECT_EQ(accepted["settings"]["num_frames"], 5);
  EXPECT_EQ(accepted["settings"]["motion_bucket_id"], 127);
  EXPECT_EQ(accepted["settings"]["sampler"]["name"], "EulerEDMSampler");
  EXPECT_EQ(content_of_file(accepted["files"]["input"]), png_picture(300, 100));

  const json job = wait_for_state(client_, id, "done");
  EXPECT_EQ(job["seed"], 7);
  EXPECT_TRUE(job["error"].is_null());
  EXPECT_GE(job["finished"].get<std::string>(), job["started"].get<std::string>());
  const std::string video = content_of_file(job["files"]["video"]);
  const Video read = read_video(folder_.file("video.mp4", video));
  EXPECT_EQ(read.width, 128);
  EXPECT_EQ(read.height, 64);
  EXPECT_EQ(read.frames.size(), 5u);
  EXPECT_DOUBLE_EQ(read.fps, 8);
  const std::string grid_file = content_of_file(job["files"]["grid"]);
  const Image grid = decode_image(std::as_bytes(std::span(grid_file)), "grid");
  EXPECT_EQ(grid.width, 4 * 128);
  EXPECT_EQ(grid.height, 2 * 64);
  ASSERT_EQ(job["files"]["frames"].size(), 5u);
  const std::string frame_file = content_of_file(job["files"]["frames"][4]);
  const Image frame = decode_image(std::as_bytes(std::span(frame_file)), "frame");
  EXPECT_EQ(frame.width, 128);
  EXPECT_TRUE(std::equal(frame.rgb.begin(), frame.rgb.begin() + 3 * 128, grid.rgb.begin() + 3 * 4 * 128 * 64));
  const std::string tar = content_of_file(job["files"]["frames_tar"]);
  EXPECT_EQ(tar.substr(0, 15), "frames/0000.png");
  EXPECT_EQ(tar.substr(257, 5), "ustar");
  EXPECT_NE(tar.find(frame_file), std::string::npos);
  const auto ranged = client_.Get(std::string(job["files"]["frames_tar"]), {{"Range", "bytes=10-29"}});
  EXPECT_EQ(ranged->status, 200);  // made as it is sent: always whole
  EXPECT_EQ(ranged->body, tar);
}

TEST_F(Jobs, PartsOfAVideoAsPlayersAskForThem) {
  const json job = wait_for_state(client_, accepted_job(client_), "done");
  const std::string url = job["files"]["video"], whole = content_of_file(url);
  const auto part = client_.Get(url, {{"Range", "bytes=10-29"}});
  EXPECT_EQ(part->status, 206);
  EXPECT_EQ(part->body, whole.substr(10, 20));
  EXPECT_EQ(part->get_header_value("Content-Range"), "bytes 10-29/" + std::to_string(whole.size()));
  EXPECT_EQ(part->get_header_value("Content-Type"), "video/mp4");
}

TEST_F(Jobs, RepeatingGivesTheSameVideoAndAnotherSeedAnother) {
  json settings = quick_settings();
  settings.update({{"sampler", {{"name", "EulerAncestralSampler"}, {"eta", 0.7}}}, {"num_steps", 2}, {"seed", 5}});
  const json first = wait_for_state(client_, accepted_job(client_, settings), "done");
  wait_for_state(client_, accepted_job(client_), "done");  // something else in between
  const std::string repeat = "/api/v1/jobs/" + first["id"].get<std::string>() + "/repeat";
  const auto repeated = [&](const std::string& changes) {
    const auto result = client_.Post(repeat, changes, "application/json");
    EXPECT_EQ(result->status, 201) << result->body;
    return wait_for_state(client_, json::parse(result->body)["jobs"][0]["id"], "done");
  };
  const json same = repeated(""), other = repeated(R"({"seed": 6})");
  EXPECT_EQ(same["settings"], first["settings"]);
  EXPECT_EQ(other["settings"]["sampler"]["eta"], 0.7);
  const std::string video = content_of_file(first["files"]["video"]);
  EXPECT_TRUE(content_of_file(same["files"]["video"]) == video);
  EXPECT_FALSE(content_of_file(other["files"]["video"]) == video);
  EXPECT_THAT(error_of(client_.Post(repeat, R"({"seed": -1})", "application/json")), HasSubstr("bad_setting: seed"));
}

TEST_F(Jobs, ARestartedServerRepeatsTheSameVideo) {
  const json first = wait_for_state(client_, accepted_job(client_), "done");
  const std::string video = content_of_file(first["files"]["video"]);
  server_.stop(SIGTERM);
  ServerProcess again(folder_.path(), {"--no_keep_loaded"});
  httplib::Client client = again.client();
  const auto result =
      client.Post("/api/v1/jobs/" + first["id"].get<std::string>() + "/repeat", "{}", "application/json");
  const json job = wait_for_state(client, json::parse(result->body)["jobs"][0]["id"], "done");
  EXPECT_TRUE(client.Get(job["files"]["video"].get<std::string>())->body == video);
}

TEST_F(Jobs, SeveralSamplesHaveSeedsThatFollow) {
  json settings = quick_settings();
  settings.update({{"num_samples", 3}, {"seed", 4294967295u}});
  const auto result = post_job(client_, png_picture(), settings.dump());
  ASSERT_EQ(result->status, 201);
  const json jobs = json::parse(result->body)["jobs"];
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0]["seed"], 4294967295u);
  EXPECT_EQ(jobs[1]["seed"], 0);
  EXPECT_EQ(jobs[2]["seed"], 1);
  for (const json& job : jobs) wait_for_state(client_, job["id"], "done");
}

// Of HEIC, AVIF, TIFF and GIF a browser shows only some; the server keeps what all of them show.
TEST_F(Jobs, APictureThatBrowsersDoNotShowIsKeptAsPng) {
  const std::string heic = content_of(SVD_MEDIA_DATA "/rgb.heic");
  const auto result = post_job(client_, heic, quick_settings().dump());
  ASSERT_EQ(result->status, 201) << result->body;
  const std::string input = json::parse(result->body)["jobs"][0]["files"]["input"];
  EXPECT_THAT(input, testing::EndsWith(".png"));
  const auto kept = client_.Get(input);
  ASSERT_EQ(kept->status, 200);
  EXPECT_EQ(kept->get_header_value("Content-Type"), "image/png");
  EXPECT_EQ(decode_image(std::as_bytes(std::span(kept->body)), "kept"),
            decode_image(std::as_bytes(std::span(heic)), "heic"));
}

TEST_F(Jobs, ListIsNewestFirstInPages) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(accepted_job(client_));
  for (const std::string& id : ids) wait_for_state(client_, id, "done");
  const json first = get_json(client_, "/api/v1/jobs?limit=2");
  ASSERT_EQ(first["jobs"].size(), 2u);
  EXPECT_EQ(first["jobs"][0]["id"], ids[4]);
  EXPECT_EQ(first["jobs"][1]["id"], ids[3]);
  EXPECT_EQ(first["next"], ids[3]);
  const json rest = get_json(client_, "/api/v1/jobs?limit=3&before=" + ids[3]);
  EXPECT_EQ(rest["jobs"].size(), 3u);
  EXPECT_EQ(rest["jobs"][2]["id"], ids[0]);
  EXPECT_TRUE(rest["next"].is_null());
  EXPECT_EQ(get_json(client_, "/api/v1/jobs?state=done")["jobs"].size(), 5u);
  EXPECT_EQ(get_json(client_, "/api/v1/jobs?state=failed")["jobs"].size(), 0u);
  EXPECT_EQ(client_.Get("/api/v1/jobs?limit=0")->status, 400);
  EXPECT_EQ(client_.Get("/api/v1/jobs?limit=9999999999999")->status, 400);
  EXPECT_EQ(client_.Get("/api/v1/jobs?state=lost")->status, 400);
  EXPECT_EQ(client_.Get("/api/v1/jobs?before=1%20OR%201")->status, 400);
}

TEST_F(Jobs, RunningAndWaitingOnesCanBeCancelled) {
  const std::string running = accepted_job(client_, endless_settings()), waiting = accepted_job(client_);
  wait_for_state(client_, running, "running");
  const json place = get_json(client_, "/api/v1/jobs/" + waiting);
  EXPECT_EQ(place["queue_place"], 1);
  for (const std::string& id : {waiting, running}) {
    const auto result = client_.Post("/api/v1/jobs/" + id + "/cancel");
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(json::parse(result->body)["state"], "cancelled");
    EXPECT_EQ(client_.Post("/api/v1/jobs/" + id + "/cancel")->status, 200);  // again: nothing happens
  }
  wait_for_state(client_, accepted_job(client_), "done");  // the worker is free
  EXPECT_EQ(state_of(client_, running), "cancelled");
  EXPECT_EQ(state_of(client_, waiting), "cancelled");
}

TEST_F(Jobs, DeletedOnesAreGoneWithTheirFiles) {
  const std::string running = accepted_job(client_, endless_settings());
  wait_for_state(client_, running, "running");
  EXPECT_EQ(client_.Delete("/api/v1/jobs/" + running)->status, 204);
  const json job = wait_for_state(client_, accepted_job(client_), "done");
  const std::string id = job["id"];
  EXPECT_TRUE(std::filesystem::exists(folder_ / ("data/jobs/" + id + "/video.mp4")));
  EXPECT_EQ(client_.Delete("/api/v1/jobs/" + id)->status, 204);
  EXPECT_FALSE(std::filesystem::exists(folder_ / ("data/jobs/" + id)));
  for (const std::string& gone : {running, id}) {
    EXPECT_EQ(client_.Get("/api/v1/jobs/" + gone)->status, 404);
    EXPECT_EQ(client_.Delete("/api/v1/jobs/" + gone)->status, 404);
  }
  EXPECT_EQ(client_.Get(job["files"]["video"].get<std::string>())->status, 404);
  EXPECT_EQ(client_.Get(job["files"]["input"].get<std::string>())->status, 404);
  EXPECT_EQ(get_json(client_, "/api/v1/jobs")["jobs"].size(), 0u);
}

TEST_F(Jobs, ProgressMovesAndThePreviewIsAPicture) {
  json settings = endless_settings();
  settings.update({{"num_frames", 6}, {"width", 128}});
  const std::string id = accepted_job(client_, settings);
  json job;
  for (int tries = 0; tries < 500; ++tries) {
    job = get_json(client_, "/api/v1/jobs/" + id);
    if (job["progress"]["preview"].get<int>() >= 2) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(job["progress"]["phase"], "denoising");
  EXPECT_GE(job["progress"]["step"], 2);
  EXPECT_EQ(job["progress"]["steps"], 1000);
  EXPECT_GT(job["progress"]["seconds_per_step"], 0.0);
  EXPECT_GT(job["progress"]["seconds_left"], 0.0);
  const std::string png = content_of_file("/api/v1/jobs/" + id + "/preview.png");
  const Image preview = decode_image(std::as_bytes(std::span(png)), "preview");
  EXPECT_EQ(preview.width, 4 * 128 / 8);
  EXPECT_EQ(preview.height, 2 * 64 / 8);
  client_.Post("/api/v1/jobs/" + id + "/cancel");
}

TEST(SaveRoot, MayBeAnyFolder) {
  const TemporaryFolder folder, elsewhere;
  const std::string root = elsewhere.path() / "saved";
  const ServerProcess server(folder.path(), {"--save_root=" + root});
  httplib::Client client = server.client();
  EXPECT_EQ(get_json(client, "/api/v1/options")["save_path"], root + "/demo/vid/{version}/samples/");
  json settings = quick_settings();
  settings["save_locally"] = true;
  const json job = wait_for_state(client, accepted_job(client, settings), "done");
  const std::string video = root + "/demo/vid/svd/samples/000000.mp4";
  EXPECT_EQ(job["saved_to"][0], video);
  EXPECT_TRUE(std::filesystem::exists(video));
  settings["save_path"] = root + "/mine";
  EXPECT_EQ(wait_for_state(client, accepted_job(client, settings), "done")["saved_to"][0], root + "/mine/000000.mp4");
  settings["save_path"] = folder.path() / "mine";
  EXPECT_THAT(post_job(client, png_picture(), settings.dump())->body, HasSubstr("save_path: expected a folder below"));
}

TEST_F(Jobs, CopiesAreSavedWhereThePageSays) {
  json settings = quick_settings();
  settings.update({{"save_locally", true}, {"overwrite_fps", true}, {"video_fps", 30}});
  const json job = wait_for_state(client_, accepted_job(client_, settings), "done");
  const std::string folder = "outputs/demo/vid/svd/samples/";
  ASSERT_EQ(job["saved_to"], json({folder + "000000.mp4", folder + "000000.png"}));
  EXPECT_EQ(content_of(folder_ / (folder + "000000.mp4")), content_of_file(job["files"]["video"]));
  EXPECT_DOUBLE_EQ(read_video(folder_ / (folder + "000000.mp4")).fps, 30);
  wait_for_state(client_, accepted_job(client_, settings), "done");
  EXPECT_TRUE(std::filesystem::exists(folder_ / (folder + "000001.png")));
}

TEST_F(Jobs, AJobThatFailsSaysWhyAndTheNextOneRuns) {
  std::filesystem::remove(folder_ / "checkpoints/svd_image_decoder.safetensors");
  folder_.file("checkpoints/svd_image_decoder.safetensors", "not a checkpoint");
  json settings = quick_settings();
  settings["version"] = "svd_image_decoder";
  const json job = wait_for_state(client_, accepted_job(client_, settings), "failed");
  EXPECT_EQ(job["error"]["code"], "bad_file");
  EXPECT_THAT(job["error"]["message"].get<std::string>(), HasSubstr("svd_image_decoder.safetensors"));
  EXPECT_EQ(get_json(client_, "/api/v1/model")["state"], "failed");
  wait_for_state(client_, accepted_job(client_), "done");
}

}  // namespace
}  // namespace svd::test
