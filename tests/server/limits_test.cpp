// Limits on the queue, on clients, on disk and on connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "checkpoint/temporary.h"
#include "raw_client.h"
#include "server_process.h"

namespace svd::test {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

TEST(Queue, HasALengthForAllAndForEachClient) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--max_queued=4", "--max_queued_per_client=3", "--trust_proxy"});
  httplib::Client client = server.client();
  const auto post_from = [&](const char* address, int samples) {
    json settings = endless_settings();
    settings["num_samples"] = samples;
    return post_job(client, png_picture(), settings.dump(), {{"X-Forwarded-For", std::string("9.9.9.9, ") + address}});
  };
  EXPECT_EQ(post_from("10.0.0.1", 2)->status, 201);
  const auto too_many = post_from("10.0.0.1", 2);  // all or none
  EXPECT_EQ(too_many->status, 429);
  EXPECT_THAT(error_of(too_many), HasSubstr("too_many_jobs: A client may have 3 jobs waiting"));
  EXPECT_EQ(post_from("10.0.0.1", 1)->status, 201);
  EXPECT_EQ(post_from("10.0.0.2", 1)->status, 201);
  EXPECT_THAT(error_of(post_from("10.0.0.3", 1)), HasSubstr("queue_full: The queue is full: 4 jobs"));
  const json jobs = get_json(client, "/api/v1/jobs")["jobs"];
  EXPECT_EQ(jobs.size(), 4u);
  client.Delete("/api/v1/jobs/" + jobs[0]["id"].get<std::string>());
  EXPECT_EQ(post_from("10.0.0.3", 1)->status, 201);
}

TEST(Rate, OfUploadsIsLimited) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--uploads_per_minute=3"});
  httplib::Client client = server.client();
  for (int i = 0; i < 3; ++i) accepted_job(client);
  const auto result = post_job(client, png_picture(), quick_settings().dump());
  EXPECT_EQ(result->status, 429);
  EXPECT_THAT(error_of(result), HasSubstr("too_many_requests"));
}

TEST(Disk, TheOldestJobsGo) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--keep_jobs=2"});
  httplib::Client client = server.client();
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(accepted_job(client));
    wait_for_state(client, ids.back(), "done");
  }
  json jobs;
  for (int tries = 0; tries < 100; ++tries) {  // they go after the last one is done
    jobs = get_json(client, "/api/v1/jobs")["jobs"];
    if (jobs.size() == 2) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0]["id"], ids[3]);
  EXPECT_EQ(jobs[1]["id"], ids[2]);
  EXPECT_FALSE(std::filesystem::exists(folder / ("data/jobs/" + ids[0])));
  EXPECT_TRUE(std::filesystem::exists(folder / ("data/jobs/" + ids[2])));
}

TEST(Disk, HasAQuota) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--disk_quota=1"});  // MiB
  httplib::Client client = server.client();
  json settings = quick_settings();
  settings.update({{"width", 256}, {"height", 256}, {"num_frames", 2}});  // noise: about 0.8 MiB
  const json first = wait_for_state(client, accepted_job(client, settings), "done");
  EXPECT_GT(first["bytes"], 600'000);
  const std::string second = accepted_job(client, settings);
  wait_for_state(client, second, "done");
  for (int tries = 0; tries < 100 && get_json(client, "/api/v1/jobs")["jobs"].size() > 1; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const json jobs = get_json(client, "/api/v1/jobs")["jobs"];
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0]["id"], second);
}

TEST(Connections, SlowClientsAreCutOff) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--read_timeout=1"});
  const RawClient dripping(server.port()), half_a_body(server.port());
  half_a_body.send(
      "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
      "Content-Length: 100\r\n\r\n--b");
  const auto begin = Clock::now();
  bool open = true;
  std::string_view rest =
      "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  while (open && !rest.empty() && Clock::now() - begin < std::chrono::seconds(8)) {
    open = dripping.send(rest.substr(0, 1)) && dripping.read_all(std::chrono::milliseconds(150)) == "[open]";
    rest.remove_prefix(1);
  }
  EXPECT_FALSE(open);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(4));
  EXPECT_THAT(half_a_body.read_all(std::chrono::seconds(3)), testing::AllOf(HasSubstr("400"), HasSubstr("[closed]")));
}

TEST(Connections, AreBoundedAndOneAddressCannotHaveThemAll) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--max_connections=12", "--read_timeout=3"});
  std::vector<RawClient> idlers;  // they say nothing
  for (int i = 0; i < 40; ++i) idlers.emplace_back(server.port());
  int refused = 0;
  for (const auto begin = Clock::now(); refused < 40 - 9 && Clock::now() - begin < std::chrono::seconds(5);) {
    for (RawClient& idler : idlers) refused += idler.was_refused();
  }
  EXPECT_EQ(refused, 40 - 9);  // three quarters of twelve
  httplib::Client client = server.client();
  EXPECT_EQ(client.Get("/api/v1/health")->status, 503);
  idlers.clear();
  for (int tries = 0; tries < 100; ++tries) {
    const auto result = client.Get("/api/v1/health");
    if (result && result->status == 200) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ADD_FAILURE() << "the server did not recover";
}

TEST(Connections, AnUnreadBodyIsNotTheNextRequest) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  const RawClient client(server.port());
  const std::string smuggled = "DELETE /api/v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n";
  client.send("POST /nothing HTTP/1.1\r\nHost: evil.example\r\nContent-Length: " + std::to_string(smuggled.size()) +
              "\r\n\r\n" + smuggled);
  const std::string answer = client.read_all(std::chrono::seconds(3));
  EXPECT_THAT(answer, HasSubstr("403"));
  EXPECT_EQ(answer.find("HTTP/1.1", 5), std::string::npos) << answer;
  EXPECT_THAT(answer, HasSubstr("[closed]"));
}

TEST(Connections, APostWithoutALengthHasNoBody) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  const RawClient client(server.port());
  const auto begin = Clock::now();
  client.send(
      "POST /api/v1/jobs/0123456789abcdef0123456789abcdef/cancel HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string answers = client.read_all(std::chrono::seconds(5));
  EXPECT_THAT(answers, testing::AllOf(HasSubstr("HTTP/1.1 404"), HasSubstr("HTTP/1.1 200"), HasSubstr("[closed]")));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(3));
}

TEST(Connections, GarbageIsAnsweredOrClosed) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--read_timeout=2"});
  for (const std::string& text :
       {std::string("\x16\x03\x01\x02 TLS"), std::string("GET\r\n\r\n"), std::string(20000, 'A') + "\r\n\r\n",
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("\0\0\0\r\n\r\n", 7),
        "GET / HTTP/1.1\r\nHost: localhost\r\n" + std::string(20000, 'h') + ": x\r\n\r\n",
        std::string("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"),
        std::string("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    "Transfer-Encoding: chunked\r\n\r\nZZZ\r\n")}) {
    const RawClient client(server.port());
    client.send(text);
    EXPECT_THAT(client.read_all(std::chrono::seconds(5)), HasSubstr("[closed]")) << text.substr(0, 40);
  }
  EXPECT_EQ(server.client().Get("/api/v1/health")->status, 200);
}

}  // namespace
}  // namespace svd::test
