// Nothing of a user's is deleted: files of others, a lost database, an old one, a damaged one, a wrong clock.
#include "durability.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kUnknown = "0123456789abcdef0123456789abcdef";

TEST(Strangers, StayWhereTheyAre) {
  const TemporaryFolder folder;
  std::string job;
  {
    ServerProcess server(folder.path());
    job = finished_job(server);
    server.stop(SIGTERM);
  }
  const std::vector<std::string> strangers = {"data/notes.txt",
                                              std::string("data/jobs/") + kUnknown + "/video.mp4",
                                              "data/jobs/holiday.mp4",
                                              "data/jobs/a/b.txt",
                                              std::string("data/unfinished/") + kUnknown + "/video.mp4",
                                              "data/unfinished/notes.txt",
                                              "data/saving/x.json",
                                              std::string("data/saving/") + kUnknown + ".json",
                                              "data/jobs/" + job + "/notes.txt"};
  for (const std::string& name : strangers) {
    fs::create_directories((folder / name).parent_path());
    folder.file(name, "somebody's");
  }
  ServerProcess server(folder.path());
  for (const std::string& name : strangers) EXPECT_TRUE(fs::exists(folder / name)) << name;
  EXPECT_THAT(server.log(), testing::AllOf(HasSubstr("left alone what the database does not know"),
                                           HasSubstr("holiday.mp4"), HasSubstr(kUnknown)));
  httplib::Client client = server.client();
  EXPECT_EQ(client.Delete("/api/v1/jobs/" + job)->status, 204);
  EXPECT_FALSE(fs::exists(folder / ("data/jobs/" + job)));
  EXPECT_EQ(content_of(folder / ("data/removed/" + job + "/notes.txt")), "somebody's");
  EXPECT_FALSE(fs::exists(folder / ("data/removed/" + job + "/video.mp4")));
}

TEST(LostDatabase, IsNotTakenForANewOne) {
  const TemporaryFolder folder;
  std::string job;
  {
    ServerProcess server(folder.path());
    job = finished_job(server);
    server.stop(SIGTERM);
  }
  const fs::path database = folder / "data/jobs.sqlite3", video = folder / ("data/jobs/" + job + "/video.mp4");
  fs::rename(database, folder / "kept");
  for (const bool empty : {false, true}) {
    if (empty) folder.file("data/jobs.sqlite3", "");
    EXPECT_THAT([&] { const ServerProcess server(folder.path()); },
                testing::ThrowsMessage<std::runtime_error>(HasSubstr("put it back")));
    EXPECT_TRUE(fs::exists(video));
    EXPECT_EQ(fs::exists(database), empty);
  }
  fs::rename(folder / "kept", database);
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  EXPECT_EQ(state_of(client, job), "done");
}

TEST(OldDatabase, LeavesTheVideosThatItDoesNotKnow) {
  const TemporaryFolder folder;
  std::string first, second;
  {
    ServerProcess server(folder.path());
    first = finished_job(server);
    server.stop(SIGTERM);
  }
  fs::copy_file(folder / "data/jobs.sqlite3", folder / "backup");
  {
    ServerProcess server(folder.path());
    second = finished_job(server);
    server.stop(SIGTERM);
  }
  fs::copy_file(folder / "backup", folder / "data/jobs.sqlite3", fs::copy_options::overwrite_existing);
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  EXPECT_EQ(state_of(client, first), "done");
  EXPECT_TRUE(fs::exists(folder / ("data/jobs/" + second + "/video.mp4")));
}

TEST(DamagedDatabase, IsNamedAndLeftAlone) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "data");
  const std::string garbage(5000, 'x');
  folder.file("data/jobs.sqlite3", garbage);
  EXPECT_THAT([&] { const ServerProcess server(folder.path()); },
              testing::ThrowsMessage<std::runtime_error>(
                  testing::AllOf(HasSubstr("jobs.sqlite3"), HasSubstr("restore a copy of it"))));
  EXPECT_EQ(content_of(folder / "data/jobs.sqlite3"), garbage);
}

TEST(StrangeSettings, OfOneJobDoNotKeepTheOthersFromTheirVideos) {
  const TemporaryFolder folder;
  std::string done, strange, next;
  {
    ServerProcess server(folder.path());
    httplib::Client client = server.client();
    done = finished_job(server);
    const std::string running = accepted_job(client, endless_settings());
    wait_for_state(client, running, "running");
    strange = accepted_job(client);
    next = accepted_job(client);
    client.Delete("/api/v1/jobs/" + running);
    server.kill();
  }
  OtherProgram(folder / "data/jobs.sqlite3")
      .run("UPDATE jobs SET state = 'queued', settings = '{\"fps\": 0}' WHERE id = '" + strange +
           "'; UPDATE jobs SET settings = '{' WHERE id = '" + done + "'");
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  wait_for_state(client, next, "done");
  const json failed = get_json(client, "/api/v1/jobs/" + strange);
  EXPECT_EQ(failed["state"], "failed");
  EXPECT_EQ(failed["error"]["code"], "unreadable");
  EXPECT_THAT(failed["error"]["message"].get<std::string>(), HasSubstr("fps: expected"));
  const json kept = get_json(client, "/api/v1/jobs/" + done);
  EXPECT_EQ(kept["state"], "done");
  EXPECT_EQ(client.Get(kept["files"]["video"].get<std::string>())->status, 200);
  EXPECT_EQ(get_json(client, "/api/v1/jobs")["jobs"].size(), 3u);
  EXPECT_EQ(client.Post("/api/v1/jobs/" + done + "/repeat")->status, 409);
}

TEST(WrongClock, DoesNotCostTheNewestVideo) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--keep_jobs=1", "--keep_days=30"});
  httplib::Client client = server.client();
  const std::string first = finished_job(server);
  // As if the clock had been wrong then, and were right now.
  OtherProgram(folder / "data/jobs.sqlite3").run("UPDATE jobs SET finished = '2099-01-01T00:00:00.000Z'");
  const std::string second = finished_job(server);
  EXPECT_TRUE(comes_true([&] { return client.Get("/api/v1/jobs/" + first)->status == 404; }));
  EXPECT_EQ(state_of(client, second), "done");
  EXPECT_TRUE(fs::exists(folder / ("data/jobs/" + second + "/video.mp4")));
  // And as if it were far ahead now: the newest one stays all the same.
  OtherProgram(folder / "data/jobs.sqlite3").run("UPDATE jobs SET finished = '1970-01-01T00:00:00.000Z'");
  const std::string third = accepted_job(client, endless_settings());
  wait_for_state(client, third, "running");
  client.Post("/api/v1/jobs/" + third + "/cancel");
  EXPECT_TRUE(comes_true([&] { return server.log().find("job cancelled") != std::string::npos; }));
  finished_job(server);
  EXPECT_TRUE(comes_true([&] { return get_json(client, "/api/v1/jobs?state=done")["jobs"].size() == 1; }));
}

}  // namespace
}  // namespace svd::test
