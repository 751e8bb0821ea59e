// What was accepted is never lost, however the program ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <random>
#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

using testing::HasSubstr;

TEST(Restart, KilledAgainAndAgainItLosesNoJob) {
  const TemporaryFolder folder;
  std::vector<std::string> accepted;
  std::mt19937 random(1);
  for (int round = 0; round < 8; ++round) {
    ServerProcess server(folder.path(), {"--max_queued=1000", "--max_queued_per_client=1000"});
    std::thread uploader([&] {  // until the server is gone
      httplib::Client client = server.client();
      for (int i = 0; i < 6; ++i) {
        const auto result = post_job(client, png_picture(), quick_settings().dump());
        if (!result) return;
        EXPECT_EQ(result->status, 201) << result->body;
        accepted.push_back(json::parse(result->body)["jobs"][0]["id"]);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 1000));
    server.kill();
    uploader.join();
  }
  ASSERT_GE(accepted.size(), 8u);
  ServerProcess server(folder.path());
  httplib::Client client = server.client();
  for (const std::string& id : accepted) {
    const json job = wait_for_state(client, id, "done");
    for (const json& frame : job["files"]["frames"]) EXPECT_EQ(client.Get(frame.get<std::string>())->status, 200);
    EXPECT_EQ(client.Get(job["files"]["video"].get<std::string>())->status, 200);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "data/unfinished"));
}

TEST(Restart, TheInterruptedJobRunsAgainAndFinishedOnesStay) {
  const TemporaryFolder folder;
  std::string done, running, waiting;
  {
    ServerProcess server(folder.path());
    httplib::Client client = server.client();
    done = accepted_job(client);
    wait_for_state(client, done, "done");
    running = accepted_job(client, endless_settings());
    waiting = accepted_job(client);
    wait_for_state(client, running, "running");
    server.kill();
  }
  ServerProcess server(folder.path());
  httplib::Client client = server.client();
  EXPECT_EQ(state_of(client, done), "done");
  wait_for_state(client, running, "running");
  EXPECT_EQ(state_of(client, waiting), "queued");
  client.Post("/api/v1/jobs/" + running + "/cancel");
  wait_for_state(client, waiting, "done");
}

TEST(Restart, StoppedInOrderItPutsTheRunningJobBack) {
  const TemporaryFolder folder;
  std::string running;
  for (int round = 0; round < 3; ++round) {  // such an end does not count as an attempt
    ServerProcess server(folder.path(), {"--max_attempts=1"});
    httplib::Client client = server.client();
    if (running.empty()) running = accepted_job(client, endless_settings());
    wait_for_state(client, running, "running");
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(server.stop(round == 0 ? SIGINT : SIGTERM), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_THAT(server.log(), HasSubstr("job goes back into the queue"));
    EXPECT_THAT(server.log(), HasSubstr("stopped"));
  }
}

TEST(Restart, AJobThatKillsTheServerIsGivenUp) {
  const TemporaryFolder folder;
  std::string id;
  for (int round = 0; round < 2; ++round) {
    ServerProcess server(folder.path(), {"--max_attempts=2"});
    httplib::Client client = server.client();
    if (id.empty()) id = accepted_job(client, endless_settings());
    wait_for_state(client, id, "running");
    server.kill();
  }
  ServerProcess server(folder.path(), {"--max_attempts=2"});
  httplib::Client client = server.client();
  const json job = get_json(client, "/api/v1/jobs/" + id);
  EXPECT_EQ(job["state"], "failed");
  EXPECT_EQ(job["error"]["code"], "interrupted");
  EXPECT_THAT(job["error"]["message"].get<std::string>(), HasSubstr("2 times"));
}

TEST(Restart, TwoServersDoNotShareAFolder) {
  const TemporaryFolder folder;
  const ServerProcess first(folder.path());
  EXPECT_THAT([&] { const ServerProcess second(folder.path()); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr("another server uses this folder")));
}

}  // namespace
}  // namespace svd::test
