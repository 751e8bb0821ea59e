// The page's files, what the page asks for first, and the model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Page : public testing::Test {
 protected:
  TemporaryFolder folder_;
  ServerProcess server_{folder_.path()};
  httplib::Client client_ = server_.client();
};

TEST_F(Page, EveryFileIsInTheProgram) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(SVD_WEB_FOLDER)) {
    const std::string name = entry.path().filename().string();
    const auto result = client_.Get(name == "index.html" ? "/" : "/assets/" + name);
    ASSERT_EQ(result->status, 200) << name;
    EXPECT_TRUE(result->body == content_of(entry.path())) << name;
    const std::string type = result->get_header_value("Content-Type");
    if (name.ends_with(".js")) {
      EXPECT_THAT(type, HasSubstr("text/javascript"));
    }
    if (name.ends_with(".css")) {
      EXPECT_THAT(type, HasSubstr("text/css"));
    }
    if (name.ends_with(".svg")) {
      EXPECT_EQ(type, "image/svg+xml");
    }
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST_F(Page, IsSentAgainOnlyWhenItHasChanged) {
  const auto first = client_.Get("/");
  const std::string tag = first->get_header_value("ETag");
  EXPECT_THAT(tag, testing::MatchesRegex("\"[0-9a-f]+\""));
  const auto second = client_.Get("/", {{"If-None-Match", tag}});
  EXPECT_EQ(second->status, 304);
  EXPECT_EQ(second->body, "");
  EXPECT_EQ(client_.Get("/", {{"If-None-Match", "\"other\""}})->status, 200);
  const auto head = client_.Head("/");
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST_F(Page, NothingButItsFilesIsServed) {
  for (const char* path :
       {"/assets/../server.cpp", "/assets/..%2fserver.cpp", "/assets/%2e%2e/server.cpp", "/assets/", "/assets/.hidden",
        "/../../../../etc/passwd", "/assets//etc/passwd", "/assets/main.js/", "/data/jobs.sqlite3",
        "/api/v1/jobs/../../health", "/api/v1/jobs/00000000000000000000000000000000/files/..%2f..%2fjobs.sqlite3",
        "/api/v1/jobs/..%2f..%2fdata/files/video.mp4"}) {
    const auto result = client_.Get(path);
    EXPECT_EQ(result->status, 404) << path << ": " << result->body.substr(0, 100);
  }
  EXPECT_EQ(client_.Get("/" + std::string(5000, 'a'))->status, 414);
}

TEST_F(Page, OptionsDescribeEveryControl) {
  const json options = get_json(client_, "/api/v1/options");
  std::set<std::string> available;
  for (const json& version : options["versions"]) {
    if (version["available"]) available.insert(version["name"]);
    EXPECT_NE(version["available"].get<bool>(), version["problem"].is_string());
  }
  EXPECT_THAT(available, testing::UnorderedElementsAre("svd", "svd_image_decoder", "svd_demo"));
  EXPECT_EQ(options["samplers"].size(), 6u);
  EXPECT_EQ(options["samplers"][0]["parameters"][0],
            json({{"name", "s_churn"},
                  {"description", "Noise added before steps, for the whole run"},
                  {"min", 0.0},
                  {"max", 1000.0},
                  {"default", 0.0},
                  {"integer", false}}));
  EXPECT_EQ(options["discretizations"].size(), 2u);
  EXPECT_EQ(options["guiders"].size(), 4u);
  EXPECT_EQ(options["defaults"]["width"], 1024);
  EXPECT_EQ(options["defaults"]["seed"], 23);
  EXPECT_EQ(options["limits"]["height"], json({{"min", 64.0}, {"max", 2048.0}, {"step", 64}}));
  EXPECT_EQ(options["limits"]["upload_bytes"], 32 << 20);
}

TEST_F(Page, ModelIsLoadedAndUnloadedOnRequest) {
  EXPECT_EQ(get_json(client_, "/api/v1/model")["state"], "none");
  EXPECT_EQ(client_.Post("/api/v1/model", R"({"version": "svd"})", "application/json")->status, 202);
  const auto wait_for_model = [&](const char* state) {
    for (int tries = 0; tries < 500 && get_json(client_, "/api/v1/model")["state"] != state; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return get_json(client_, "/api/v1/model");
  };
  const json ready = wait_for_model("ready");
  EXPECT_EQ(ready["state"], "ready");
  EXPECT_EQ(ready["version"], "svd");
  EXPECT_GT(ready["memory_bytes"], 10 << 20);
  EXPECT_THAT(ready["device"].get<std::string>(), HasSubstr("cpu"));
  EXPECT_EQ(client_.Delete("/api/v1/model")->status, 204);
  const json gone = wait_for_model("none");
  EXPECT_EQ(gone["memory_bytes"], 0);
  const auto missing = client_.Post("/api/v1/model", R"({"version": "svd_xt"})", "application/json");
  EXPECT_EQ(missing->status, 409);
  EXPECT_THAT(error_of(missing), HasSubstr("svd_xt.safetensors"));
  EXPECT_EQ(client_.Post("/api/v1/model", R"({"version": "sdxl"})", "application/json")->status, 400);
}

TEST_F(Page, MetricsCountWhatHappened) {
  wait_for_state(client_, accepted_job(client_), "done");
  std::string text;
  for (int tries = 0; tries < 100; ++tries) {  // the state is stored before the job is counted
    text = client_.Get("/metrics")->body;
    if (text.find("svd_job_seconds_count 1") != std::string::npos) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (const char* line :
       {"svd_jobs{state=\"queued\"} 0\n", "svd_jobs_accepted_total 1\n", "svd_jobs_ended_total{state=\"done\"} 1\n",
        "svd_model_ready 1\n", "svd_job_seconds_count 1\n", "# TYPE svd_http_requests_total counter\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  // Every line is a comment or a sample, as Prometheus reads them.
  std::istringstream lines(text);
  const std::regex sample(R"([a-z_]+(\{[a-z_]+="[a-z0-9]+"\})? [0-9.e+-]+)");
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("# ") || std::regex_match(line, sample)) << line;
  }
}

// Every route of the document is there, and no method or state is missing in it.
TEST_F(Page, OpenApiDocumentIsTrue) {
  const json document = get_json(client_, "/api/v1/openapi.json");
  EXPECT_EQ(document["openapi"], "3.1.0");
  const json job = wait_for_state(client_, accepted_job(client_), "done");
  int operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    std::string url = std::regex_replace(path, std::regex(R"(\{id\})"), job["id"].get<std::string>());
    url = std::regex_replace(url, std::regex(R"(\{file\})"), "grid.png");
    for (const auto& [method, operation] : methods.items()) {
      if (method == "parameters") continue;
      ++operations;
      EXPECT_TRUE(operation.contains("summary") && operation.contains("responses")) << path;
      if (method != "get" || path == "/api/v1/events") continue;
      const auto result = client_.Get(url);
      ASSERT_TRUE(result) << url;
      EXPECT_TRUE(operation["responses"].contains(std::to_string(result->status))) << url << " " << result->status;
    }
  }
  EXPECT_GE(operations, 20);
  const json& schema = document["components"]["schemas"];
  for (const auto& [name, value] : job.items()) EXPECT_TRUE(schema["Job"]["properties"].contains(name)) << name;
  for (const auto& [name, value] : job["settings"].items()) {
    EXPECT_TRUE(schema["Settings"]["properties"].contains(name)) << name;
  }
}

// What any request may be refused with is in the document, for every operation.
TEST_F(Page, OpenApiDocumentNamesEveryRefusal) {
  const json document = get_json(client_, "/api/v1/openapi.json");
  const auto status_of = [&](const std::string& method, const std::string& path, httplib::Headers headers,
                             const std::string& body) {
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    if (method != "GET") request.body = body;
    const auto result = client_.send(request);
    return result ? result->status : 0;
  };
  const std::string unknown = "0123456789abcdef0123456789abcdef";
  for (const auto& [path, methods] : document["paths"].items()) {
    std::string url = std::regex_replace(path, std::regex(R"(\{id\})"), unknown);
    url = std::regex_replace(url, std::regex(R"(\{file\})"), "grid.png");
    for (const auto& [name, operation] : methods.items()) {
      if (name == "parameters") continue;
      std::string method = name;
      std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::toupper(c); });
      const auto expect_documented = [&, &responses = operation["responses"]](int status) {
        EXPECT_TRUE(responses.contains(std::to_string(status))) << method << " " << path << ": " << status;
      };
      const int evil = status_of(method, url, {{"Host", "evil.example"}}, "");
      EXPECT_EQ(evil, 403) << url;
      expect_documented(evil);
      const int compressed = status_of(method, url, {{"Content-Encoding", "gzip"}}, "x");
      EXPECT_EQ(compressed, 415) << url;
      expect_documented(compressed);
      for (const int status : {431, 500, 503}) expect_documented(status);
      if (method == "GET") continue;
      expect_documented(status_of(method, url, {{"Content-Type", "text/plain"}}, "nonsense"));
      expect_documented(status_of(method, url, {{"Content-Type", "application/json"}}, "[]"));
      if (operation["responses"].contains("411")) {
        const int chunked = status_of(method, url, {{"Transfer-Encoding", "chunked"}}, "");
        EXPECT_EQ(chunked, 411) << url;
      }
    }
  }
  EXPECT_EQ(document["components"]["securitySchemes"]["session"]["name"].get<std::string>().substr(0, 12),
            "svd_session_");
}

TEST(WebRoot, ServesAFolderInsteadOfTheProgram) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "web");
  folder.file("web/index.html", "<p>mine");
  folder.file("secret.txt", "secret");
  fs::create_directories(folder / "web/inner");
  const ServerProcess server(folder.path(), {"--web_root=web"});
  httplib::Client client = server.client();
  EXPECT_EQ(client.Get("/")->body, "<p>mine");
  folder.file("web/new.js", "1");
  EXPECT_EQ(client.Get("/assets/new.js")->body, "1");
  EXPECT_EQ(client.Get("/assets/..%2fsecret.txt")->status, 404);
  EXPECT_EQ(client.Get("/assets/inner")->status, 404);
}

}  // namespace
}  // namespace svd::test
