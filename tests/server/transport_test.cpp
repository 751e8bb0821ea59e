// What clients can do with connections, heads, bodies and ranges, and that none of it hurts others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <regex>
#include <thread>

#include "checkpoint/temporary.h"
#include "raw_client.h"
#include "server_process.h"

namespace svd::test {
namespace {

using httplib::Headers;
using std::chrono::seconds;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

constexpr const char* kUpload =
    "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n";
constexpr const char* kClaims32MiB = "Content-Length: 33554432\r\n\r\n--b";

int64_t resident_mib(const ServerProcess& server) {
  std::ifstream statm("/proc/" + std::to_string(server.process()) + "/statm");
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * 4096 >> 20;
}

// Sends it again and again; how many bytes were taken before the server closed.
size_t pour(const RawClient& client, const std::string& text, size_t most) {
  size_t sent = 0;
  while (sent < most && client.send(text)) sent += text.size();
  return sent;
}

TEST(Heads, HaveASize) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--token=0123456789abcdef"});
  const std::string request = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  const auto answer_to = [&](int headers) {
    const RawClient client(server.port());
    std::string head = request;
    for (int i = 0; i < headers; ++i) head += "X-" + std::to_string(i) + ": " + std::string(4000, 'x') + "\r\n";
    client.send(head + "\r\n");
    return client.read_all(seconds(5));
  };
  EXPECT_THAT(answer_to(10), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(answer_to(30), testing::AllOf(HasSubstr("HTTP/1.1 431"), HasSubstr("[closed]")));
}

TEST(Heads, WithoutEndTakeNoMemory) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--token=0123456789abcdef"});
  const int64_t before = resident_mib(server);
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server.port());
    clients.back().send("GET / HTTP/1.1\r\nHost: localhost\r\n");
    EXPECT_LT(pour(clients.back(), "X: " + std::string(4000, 'x') + "\r\n", 32 << 20), 32u << 20);
  }
  EXPECT_LT(resident_mib(server) - before, 32);
  EXPECT_EQ(get_json(*std::make_unique<httplib::Client>(server.client()), "/api/v1/health")["status"], "ok");
}

TEST(Bodies, InChunksWithoutEndTakeNoMemory) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--max_upload=1"});
  const int64_t before = resident_mib(server);
  for (const std::string& text : {std::string(65536, ';'), std::string("0\r\n") + std::string(65536, 'x'),
                                  "10000\r\n" + std::string(65536, 'x') + "\r\n"}) {
    const RawClient client(server.port());
    client.send(std::string(kUpload) + "Transfer-Encoding: chunked\r\n\r\n");
    EXPECT_LT(pour(client, text, 48 << 20), 48u << 20);
  }
  EXPECT_LT(resident_mib(server) - before, 32);
}

TEST(Json, TakesTimeByItsSize) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--token=0123456789abcdef"});
  httplib::Client client = server.client();
  const Headers token = {{"Authorization", "Bearer 0123456789abcdef"}};
  std::string many = "[{}", nested;
  while (many.size() < 600'000) many += ",{}";
  many += "]";
  for (int i = 0; i < 10'000; ++i) nested += "{\"a\":";
  const auto begin = Clock::now();
  EXPECT_EQ(post_job(client, png_picture(), many, token)->status, 413);
  EXPECT_EQ(post_job(client, png_picture(), std::string(600'000, '['), token)->status, 413);
  EXPECT_EQ(client.Post("/api/v1/session", nested, "application/json")->status, 400);
  EXPECT_EQ(client.Post("/api/v1/session", many.substr(0, 60'000), "application/json")->status, 400);
  EXPECT_EQ(client.Post("/api/v1/session", R"({"a": "[[[[[[[[[[[[[[[[[[[[\"[["})", "application/json")->status, 400);
  EXPECT_LT(Clock::now() - begin, seconds(4));
}

TEST(StalledUploads, EndWithoutProgress) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--read_timeout=1"});
  std::vector<RawClient> stalled;
  for (int i = 0; i < 16; ++i) {
    stalled.emplace_back(server.port());
    stalled.back().send(std::string(kUpload) + kClaims32MiB);
  }
  for (const RawClient& client : stalled) {
    EXPECT_THAT(client.read_all(seconds(20)), HasSubstr("[closed]"));
  }
  httplib::Client client = server.client();
  EXPECT_EQ(post_job(client, png_picture(), quick_settings().dump())->status, 201);
}

TEST(StalledUploads, OfOneClientLeaveRoomForOthers) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--trust_proxy"});
  std::vector<RawClient> stalled;
  for (int i = 0; i < 16; ++i) {
    stalled.emplace_back(server.port());
    stalled.back().send(std::string(kUpload) + "X-Forwarded-For: 10.0.0.1\r\n" + kClaims32MiB);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  httplib::Client client = server.client();
  const auto begin = Clock::now();
  const auto result = post_job(client, png_picture(), quick_settings().dump(), {{"X-Forwarded-For", "10.0.0.2"}});
  EXPECT_EQ(result->status, 201);
  EXPECT_LT(Clock::now() - begin, seconds(5));
}

TEST(Uploads, ThatAreSlowButSteadyArrive) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--read_timeout=1"});
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n" + std::string(100'000, 'x') + "\r\n--b--\r\n";
  const RawClient client(server.port());
  client.send(std::string(kUpload) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  for (size_t i = 0; i < body.size(); i += 5000) {  // 33 kB a second, three seconds in all
    client.send(std::string_view(body).substr(i, 5000));
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
  }
  EXPECT_THAT(client.read_all(seconds(5)), HasSubstr("bad_picture"));
}

TEST(Stopping, IsNotDelayedByClients) {
  const TemporaryFolder folder;
  ServerProcess server(folder.path());
  httplib::Client client = server.client();
  const std::string id = accepted_job(client);
  wait_for_state(client, id, "done");
  std::vector<RawClient> clients;
  for (const std::string& text :
       {std::string(), std::string("GET / HTTP/1.1\r\nHost:"), std::string(kUpload) + kClaims32MiB,
        std::string(kUpload) + "Transfer-Encoding: chunked\r\n\r\n100000\r\n",
        "GET /api/v1/jobs/" + id + "/files/frames.tar HTTP/1.1\r\nHost: localhost\r\n\r\n",
        std::string("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")}) {
    clients.emplace_back(server.port());
    clients.back().send(text);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto begin = Clock::now();
  EXPECT_EQ(server.stop(SIGTERM), 0);
  EXPECT_LT(Clock::now() - begin, seconds(5));
}

class Files : public testing::Test {
 protected:
  void SetUp() override {
    job_ = wait_for_state(client_, accepted_job(client_), "done");
    url_ = job_["files"]["video"];
    whole_ = client_.Get(url_)->body;
  }
  httplib::Result get(const Headers& headers) { return client_.Get(url_, headers); }

  TemporaryFolder folder_;
  ServerProcess server_{folder_.path()};
  httplib::Client client_ = server_.client();
  json job_;
  std::string url_, whole_;
};

TEST_F(Files, GiveTheRangesThatPlayersAskFor) {
  const std::string size = std::to_string(whole_.size());
  const struct {
    std::string range;
    int status;
    size_t first, length;
  } cases[] = {{"bytes=10-29", 206, 10, 20},
               {"bytes=0-", 206, 0, whole_.size()},
               {"bytes=-7", 206, whole_.size() - 7, 7},
               {"bytes=100-99999999", 206, 100, whole_.size() - 100},
               {"bytes=-99999999", 206, 0, whole_.size()},
               {"bytes=0-1,3-4", 200, 0, whole_.size()},
               {"bytes=" + size + "-,0-1", 200, 0, whole_.size()},
               {"lines=1-2", 200, 0, whole_.size()},
               {"bytes=9-8", 200, 0, whole_.size()}};
  for (const auto& c : cases) {
    const auto result = get({{"Range", c.range}});
    ASSERT_TRUE(result) << c.range;
    EXPECT_EQ(result->status, c.status) << c.range;
    EXPECT_TRUE(result->body == whole_.substr(c.first, c.length)) << c.range;
    EXPECT_EQ(result->get_header_value("Accept-Ranges"), "bytes");
    const std::string part =
        "bytes " + std::to_string(c.first) + "-" + std::to_string(c.first + c.length - 1) + "/" + size;
    EXPECT_EQ(result->get_header_value("Content-Range"), c.status == 206 ? part : "") << c.range;
  }
  for (const std::string& range : {"bytes=" + size + "-", std::string("bytes=-0"),
                                   std::string("bytes=18446744073709551610-18446744073709551615")}) {
    const auto result = get({{"Range", range}});
    ASSERT_TRUE(result) << range;
    EXPECT_EQ(result->status, 416) << range;
    EXPECT_EQ(result->get_header_value("Content-Range"), "bytes */" + size);
  }
  const auto head = client_.Head(url_, {{"Range", "bytes=0-1"}});
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->get_header_value("Content-Length"), size);
}

TEST_F(Files, AreSentAgainOnlyWhenTheyMustBe) {
  const auto first = get({});
  const std::string tag = first->get_header_value("ETag"), modified = first->get_header_value("Last-Modified");
  const std::regex date("[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT");
  EXPECT_TRUE(std::regex_match(modified, date)) << modified;
  EXPECT_TRUE(std::regex_match(tag, std::regex("\"[0-9a-f-]+\""))) << tag;
  for (const Headers& same : {Headers{{"If-None-Match", tag}}, Headers{{"If-None-Match", "\"x\", W/" + tag}},
                              Headers{{"If-None-Match", "*"}}, Headers{{"If-Modified-Since", modified}}}) {
    const auto result = get(same);
    EXPECT_EQ(result->status, 304) << same.begin()->second;
    EXPECT_EQ(result->body, "");
    EXPECT_EQ(result->get_header_value("ETag"), tag);
  }
  EXPECT_EQ(get({{"If-None-Match", "\"x\""}, {"If-Modified-Since", modified}})->status, 200);
  const auto part_if = [&](const std::string& condition) {
    return get({{"Range", "bytes=0-4"}, {"If-Range", condition}})->status;
  };
  EXPECT_EQ(part_if(tag), 206);
  EXPECT_EQ(part_if(modified), 206);
  EXPECT_EQ(part_if("\"x\""), 200);
  EXPECT_EQ(part_if("W/" + tag), 200);  // a weak tag says nothing of bytes
  EXPECT_EQ(part_if("Thu, 01 Jan 1970 00:00:00 GMT"), 200);
}

TEST_F(Files, OnlyHaveRanges) {
  for (const std::string path : {"/api/v1/health", "/", "/api/v1/openapi.json", "/assets/main.js"}) {
    for (const std::string range : {"bytes=0-4", "bytes=999999-", "nonsense"}) {
      const auto result = client_.Get(path, {{"Range", range}});
      EXPECT_EQ(result->status, 200) << path;
      EXPECT_GT(result->body.size(), 5u) << path;
      EXPECT_NE(result->get_header_value("Date"), "");
    }
  }
}

TEST_F(Files, OfAnIncompleteJobMakeNoArchive) {
  std::filesystem::remove(folder_ / ("data/jobs/" + job_["id"].get<std::string>() + "/frames/0001.png"));
  const auto result = client_.Get(job_["files"]["frames_tar"].get<std::string>());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, 404);
  EXPECT_THAT(error_of(result), HasSubstr("frames/0001.png"));
}

TEST_F(Files, AndEverythingElseSayWhichMethodsThereAre) {
  const auto refused = [&](const httplib::Result& result, const std::string& methods) {
    EXPECT_EQ(result->status, 405);
    EXPECT_EQ(result->get_header_value("Allow"), methods);
    EXPECT_THAT(error_of(result), HasSubstr("wrong_method"));
  };
  refused(client_.Delete(url_), "GET, HEAD");
  refused(client_.Put("/api/v1/jobs", "x", "text/plain"), "GET, HEAD, POST");
  refused(client_.Patch("/api/v1/model", "x", "text/plain"), "DELETE, GET, HEAD, POST");
  refused(client_.Get("/api/v1/session"), "POST");
  EXPECT_EQ(client_.Put("/nothing", "x", "text/plain")->status, 404);
}

}  // namespace
}  // namespace svd::test
