// Who gets in: token, session, other sites, other names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <memory>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

using httplib::Headers;
using testing::HasSubstr;

constexpr const char* kToken = "0123456789abcdef";

TEST(Token, IsNeededForEverythingButTheBarePage) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {}, {std::string("SVD_TOKEN=") + kToken});
  httplib::Client client = server.client();
  for (const char* open : {"/", "/assets/main.js", "/api/v1/health", "/api/v1/openapi.json"}) {
    EXPECT_EQ(client.Get(open)->status, 200) << open;
  }
  for (const char* closed : {"/api/v1/options", "/api/v1/jobs", "/api/v1/model", "/api/v1/events", "/metrics",
                             "/api/v1/jobs/00000000000000000000000000000000/preview.png",
                             "/v2beta/image-to-video/result/00000000000000000000000000000000", "/nothing"}) {
    const auto refused = client.Get(closed);
    EXPECT_EQ(refused->status, 401) << closed;
    EXPECT_EQ(refused->get_header_value("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(post_job(client, png_picture(), "{}")->status, 401);
  EXPECT_EQ(client.Get("/api/v1/options", {{"Authorization", std::string("Bearer ") + kToken}})->status, 200);
  EXPECT_EQ(client.Get("/api/v1/options", {{"Authorization", std::string("bearer ") + kToken}})->status, 200);
  for (const std::string wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcdef0", "Bearer 0123456789abcde",
                                  "Bearer ", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef"}) {
    EXPECT_EQ(client.Get("/api/v1/options", {{"Authorization", wrong}})->status, 401) << wrong;
  }
}

TEST(Token, CanBeTradedForACookie) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {std::string("--token=") + kToken});
  httplib::Client client = server.client();
  EXPECT_EQ(client.Post("/api/v1/session", R"({"token": "wrong"})", "application/json")->status, 401);
  EXPECT_EQ(client.Post("/api/v1/session", R"([])", "application/json")->status, 400);
  const auto result = client.Post("/api/v1/session", json{{"token", kToken}}.dump(), "application/json");
  ASSERT_EQ(result->status, 204);
  const std::string cookie = result->get_header_value("Set-Cookie");
  EXPECT_THAT(cookie, HasSubstr("; HttpOnly; SameSite=Strict"));
  EXPECT_THAT(cookie, Not(HasSubstr(kToken)));
  const std::string pair = cookie.substr(0, cookie.find(';'));
  EXPECT_EQ(client.Get("/api/v1/options", {{"Cookie", "a=b; " + pair}})->status, 200);
  EXPECT_EQ(client.Get("/api/v1/options", {{"Cookie", pair + "0"}})->status, 401);
  EXPECT_EQ(client.Get("/api/v1/options", {{"Cookie", "svd_session="}})->status, 401);
}

TEST(Token, TwoServersOfOneHostAndARestartKeepABrowserSignedIn) {
  const TemporaryFolder folder;
  const std::string other_token = "fedcba9876543210";
  auto server =
      std::make_unique<ServerProcess>(folder.path(), std::vector<std::string>{std::string("--token=") + kToken});
  const ServerProcess other(folder.path(), {"--token=" + other_token, "--data=other"});
  std::map<std::string, std::string> jar;  // as browsers keep it: by name, for all ports
  const auto sign_in = [&](httplib::Client client, const std::string& token) {
    const auto result = client.Post("/api/v1/session", json{{"token", token}}.dump(), "application/json");
    const std::string cookie = result->get_header_value("Set-Cookie");
    const size_t equals = cookie.find('=');
    jar[cookie.substr(0, equals)] = cookie.substr(equals + 1, cookie.find(';') - equals - 1);
  };
  sign_in(server->client(), kToken);
  sign_in(other.client(), other_token);
  std::string cookies;
  for (const auto& [name, value] : jar) cookies += (cookies.empty() ? "" : "; ") + name + "=" + value;
  EXPECT_EQ(server->client().Get("/api/v1/options", {{"Cookie", cookies}})->status, 200);
  EXPECT_EQ(other.client().Get("/api/v1/options", {{"Cookie", cookies}})->status, 200);
  server.reset();
  server = std::make_unique<ServerProcess>(folder.path(), std::vector<std::string>{std::string("--token=") + kToken});
  EXPECT_EQ(server->client().Get("/api/v1/options", {{"Cookie", cookies}})->status, 200);
  server.reset();
  server = std::make_unique<ServerProcess>(folder.path(), std::vector<std::string>{"--token=another one, long enough"});
  EXPECT_EQ(server->client().Get("/api/v1/options", {{"Cookie", cookies}})->status, 401);
}

TEST(Token, CannotBeGuessedForLong) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {std::string("--token=") + kToken});
  httplib::Client client = server.client();
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    refused += client.Get("/api/v1/options", {{"Authorization", "Bearer " + std::to_string(i)}})->status == 429;
  }
  EXPECT_GE(refused, 15);
  EXPECT_EQ(client.Get("/api/v1/options", {{"Authorization", std::string("Bearer ") + kToken}})->status, 200);
}

TEST(OtherSites, CannotMakeABrowserActHere) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  const std::string own = "127.0.0.1:" + std::to_string(server.port());
  const auto posted = [&](const Headers& headers) {
    return post_job(client, png_picture(), quick_settings().dump(), headers)->status;
  };
  EXPECT_EQ(posted({{"Origin", "http://" + own}, {"Sec-Fetch-Site", "same-origin"}}), 201);
  EXPECT_EQ(posted({{"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(posted({{"Origin", "http://127.0.0.1:1"}}), 403);
  EXPECT_EQ(posted({{"Origin", "null"}}), 403);
  EXPECT_EQ(posted({{"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(posted({{"Sec-Fetch-Site", "same-site"}}), 403);
  EXPECT_EQ(client.Delete("/api/v1/model", Headers{{"Origin", "http://evil.example"}})->status, 403);
  EXPECT_EQ(client.Get("/api/v1/events", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}})->status,
            403);
  // A link from elsewhere to the page is no harm.
  EXPECT_EQ(client.Get("/", {{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}})->status, 200);
}

TEST(OtherNames, AreNotAnswered) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--allowed_host", "studio.example.org"});
  httplib::Client client = server.client();
  const auto with_host = [&](const std::string& host) {
    return client.Get("/api/v1/options", {{"Host", host}})->status;
  };
  for (const char* good : {"localhost", "localhost:8501", "127.0.0.1:1", "[::1]:8501", "192.168.1.5", "LocalHost",
                           "studio.example.org", "Studio.Example.org:443"}) {
    EXPECT_EQ(with_host(good), 200) << good;
  }
  for (const char* bad : {"evil.example", "evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example",
                          "[evil.example]", "[", "studio.example.org.evil.example"}) {
    EXPECT_EQ(with_host(bad), 403) << bad;
  }
}

TEST(Headers, ProtectThePage) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  for (const char* path : {"/", "/api/v1/options", "/nothing", "/api/v1/jobs/x"}) {
    const auto result = client.Get(path);
    EXPECT_THAT(result->get_header_value("Content-Security-Policy"),
                HasSubstr("default-src 'none'; script-src 'self'"));
    EXPECT_EQ(result->get_header_value("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(result->get_header_value("X-Frame-Options"), "DENY");
    EXPECT_EQ(result->get_header_value("Access-Control-Allow-Origin"), "");
  }
}

// The program does not come up; the text is in what it says.
void expect_refused(const std::vector<std::string>& options, const std::string& text) {
  const TemporaryFolder folder;
  EXPECT_THAT([&] { const ServerProcess server(folder.path(), options); },
              testing::ThrowsMessage<std::runtime_error>(HasSubstr(text)));
}

TEST(Options, OtherMachinesNeedATokenOrAWaiver) {
  expect_refused({"--host=0.0.0.0"}, "host: at 0.0.0.0 other machines reach this server, so it needs a token");
  expect_refused({"--host=::"}, "needs a token");
  const TemporaryFolder folder;
  const ServerProcess waived(folder.path(), {"--host=0.0.0.0", "--insecure_no_token"});
  EXPECT_EQ(waived.client().Get("/api/v1/options")->status, 200);
}

TEST(Options, AreChecked) {
  expect_refused({"--token=short"}, "token: expected at least 16 characters, found 5");
  expect_refused({"--port=65536"}, "--port: expected a whole number from 0 to 65535, found 65536");
  expect_refused({"--max_connections=1"}, "--max_connections: expected a whole number from 8");
  expect_refused({"--keep_days=0"}, "--keep_days: expected");
  expect_refused({"--log_level=loud"}, "--log_level: expected one of debug, info, warning, error, found loud");
  expect_refused({"--defaults={"}, "defaults: expected JSON");
  expect_refused({"--defaults={\"fps\": 0}"}, "defaults: fps: expected a whole number from 1 to 120, found 0");
  expect_refused({"--data=/proc/nothing"}, "/proc/nothing");
  expect_refused({"--host=256.1.1.1", "--insecure_no_token"}, "cannot listen on 256.1.1.1");
  const TemporaryFolder folder;
  const ServerProcess first(folder.path());
  expect_refused({"--port=" + std::to_string(first.port()), "--data=other"}, "cannot listen on 127.0.0.1");
}

TEST(Options, LogLinesCanBeJson) {
  const TemporaryFolder folder;
  ServerProcess server(folder.path(), {"--log_json", "--log_level=debug"});
  httplib::Client client = server.client();
  client.Get("/\"quoted\"\n\xff");
  server.stop(SIGTERM);
  std::istringstream lines(server.log());
  int count = 0;
  bool request_seen = false;
  for (std::string line; std::getline(lines, line); ++count) {
    const json entry = json::parse(line, nullptr, false);
    ASSERT_TRUE(entry.is_object()) << line;
    EXPECT_TRUE(entry.contains("time") && entry.contains("level") && entry.contains("message"));
    request_seen |= entry["message"] == "request" && entry["client"] == "127.0.0.1";
  }
  EXPECT_GE(count, 3);
  EXPECT_TRUE(request_seen);
}

}  // namespace
}  // namespace svd::test
