// Nothing of a user's is lost while the server is in trouble: a locked database, a full disk, kill -9. Takes longer.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include "checkpoint/temporary.h"
#include "durability.h"
#include "server_process.h"

namespace svd::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

TEST(LockedDatabase, DelaysTheEndOfAJobAndNothingElse) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  finished_job(server);  // the model is loaded
  json settings = quick_settings();
  settings["num_steps"] = 20;
  const std::string id = accepted_job(client, settings), next = accepted_job(client);
  wait_for_state(client, id, "running");
  OtherProgram other(folder / "data/jobs.sqlite3");
  other.run("BEGIN IMMEDIATE");
  EXPECT_TRUE(comes_true([&] { return server.log().find("the worker waits") != std::string::npos; }));
  EXPECT_EQ(health_of(server)["problem"]["code"], "database");
  const auto refused = post_job(client, png_picture(), quick_settings().dump());
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(health_of(server)["status"], "degraded");
  other.run("COMMIT");
  wait_for_state(client, id, "done");
  wait_for_state(client, next, "done");
  EXPECT_TRUE(comes_true([&] { return health_of(server)["status"] == "ok"; }));
}

TEST(LockedDatabase, DoesNotKeepTheServerFromStopping) {
  const TemporaryFolder folder;
  std::string id;
  {
    ServerProcess server(folder.path());
    httplib::Client client = server.client();
    id = accepted_job(client, endless_settings());
    wait_for_state(client, id, "running");
    OtherProgram other(folder / "data/jobs.sqlite3");
    other.run("BEGIN IMMEDIATE");
    const auto begin = Clock::now();
    EXPECT_EQ(server.stop(SIGTERM), 0);
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(8));
  }
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  wait_for_state(client, id, "running");
}

// A small disk of its own.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, "size=16m") == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool is_mounted() const { return mounted_; }
  void fill(uint64_t all_but) const {
    const uint64_t free = fs::space(folder_).available;
    const int file = ::open((folder_ / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(::posix_fallocate(file, 0, static_cast<off_t>(free - all_but)), 0);
    ::close(file);
  }
  void empty() const { fs::remove(folder_ / "filler"); }

 private:
  fs::path folder_;
  bool mounted_ = false;
};

TEST(FullDisk, DelaysJobsAndLosesNone) {
  const TemporaryFolder folder;
  const SmallDisk disk(folder / "data");
  if (!disk.is_mounted()) GTEST_SKIP() << "only root can mount a small disk";
  const ServerProcess server(folder.path(), {"--min_free_disk=1"});
  httplib::Client client = server.client();
  finished_job(server);  // the model is loaded
  json settings = quick_settings();
  settings.update({{"width", 256}, {"height", 256}, {"num_frames", 4}, {"num_steps", 4}});
  const std::string id = accepted_job(client, settings), next = accepted_job(client);
  wait_for_state(client, id, "running");
  disk.fill(400'000);  // enough for the database
  EXPECT_TRUE(comes_true([&] { return server.log().find("the worker waits") != std::string::npos; }));
  EXPECT_EQ(state_of(client, id), "running");
  const json health = health_of(server);
  EXPECT_EQ(health["problem"]["code"], "disk_full");
  EXPECT_LT(health["disk"]["free_bytes"], health["disk"]["min_free_bytes"]);
  EXPECT_THAT(client.Get("/metrics")->body, HasSubstr("svd_worker_waits 1\n"));
  const auto refused = post_job(client, png_picture(), quick_settings().dump());
  EXPECT_EQ(refused->status, 507);
  EXPECT_THAT(error_of(refused), HasSubstr("disk_full"));
  disk.empty();
  const json job = wait_for_state(client, id, "done");
  EXPECT_EQ(client.Get(job["files"]["frames"][3].get<std::string>())->status, 200);
  wait_for_state(client, next, "done");
  EXPECT_EQ(health_of(server)["status"], "ok");
}

TEST(FullDisk, JobsWaitWithItAcrossAnEnd) {
  const TemporaryFolder folder;
  const SmallDisk disk(folder / "data");
  if (!disk.is_mounted()) GTEST_SKIP() << "only root can mount a small disk";
  std::string id;
  {
    ServerProcess server(folder.path(), {"--min_free_disk=1"});
    httplib::Client client = server.client();
    const std::string running = accepted_job(client, endless_settings());
    id = accepted_job(client);
    wait_for_state(client, running, "running");
    disk.fill(400'000);
    client.Post("/api/v1/jobs/" + running + "/cancel");
    EXPECT_TRUE(comes_true([&] { return server.log().find("the worker waits") != std::string::npos; }));
    EXPECT_EQ(state_of(client, id), "queued");
    EXPECT_EQ(server.stop(SIGTERM), 0);
  }
  disk.empty();
  const ServerProcess server(folder.path(), {"--min_free_disk=1"});
  httplib::Client client = server.client();
  wait_for_state(client, id, "done");
}

TEST(SavedCopies, ComeInPairsHoweverOftenTheServerIsKilled) {
  const TemporaryFolder folder;
  const fs::path saved = folder / "outputs/demo/vid/svd/samples";
  json settings = quick_settings();
  settings["save_locally"] = true;
  std::vector<std::string> ids;
  for (int round = 0; round < 3; ++round) {
    ServerProcess server(folder.path());
    httplib::Client client = server.client();
    ids.push_back(accepted_job(client, settings));
    EXPECT_TRUE(comes_true([&] { return fs::exists(folder / ("data/jobs/" + ids.back())); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(2 * round));
    server.kill();
  }
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  for (size_t i = 0; i < ids.size(); ++i) {
    const json job = wait_for_state(client, ids[i], "done");
    EXPECT_EQ(job["saved_to"].size(), 2u) << job;
    for (const json& path : job["saved_to"]) EXPECT_TRUE(fs::exists(folder / path.get<std::string>())) << path;
  }
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(saved)) files += !entry.path().filename().empty();
  EXPECT_EQ(files, 2 * ids.size());
  EXPECT_TRUE(fs::is_empty(folder / "data/saving"));
}

}  // namespace
}  // namespace svd::test
