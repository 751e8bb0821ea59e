// Server-sent events: their form, their order, and that they end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

struct Received {
  std::string name;
  json data;
};

// Listens in a thread of its own until the stream ends or the test does.
class Listener {
 public:
  Listener(const ServerProcess& server, const std::string& path)
      : client_(server.client()), thread_([this, path] {
          const auto result = client_.Get(path, [&](const char* data, size_t size) {
            const std::lock_guard lock(mutex_);
            text_.append(data, size);
            parse();
            changed_.notify_all();
            return !stopped_;
          });
          const std::lock_guard lock(mutex_);
          ended_ = true;
          complete_ = static_cast<bool>(result);
          changed_.notify_all();
        }) {}
  ~Listener() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    client_.stop();
    thread_.join();
  }

  // False when it has not come true within half a minute. `condition` is called with the events so far.
  bool wait(const std::function<bool(const std::vector<Received>&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return condition(events_); });
  }
  bool wait_for_end() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return ended_; }) && complete_;
  }
  std::vector<Received> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  void parse() {
    for (size_t end; (end = text_.find("\n\n")) != std::string::npos; text_.erase(0, end + 2)) {
      const std::string block = text_.substr(0, end);
      if (block.starts_with(":") || block.starts_with("retry:")) continue;
      const size_t line = block.find('\n');
      EXPECT_TRUE(block.starts_with("event: ")) << block;
      EXPECT_EQ(block.compare(line + 1, 6, "data: "), 0) << block;
      events_.push_back({block.substr(7, line - 7), json::parse(block.substr(line + 7))});
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::vector<Received> events_;
  bool stopped_ = false, ended_ = false, complete_ = false;
  httplib::Client client_;
  std::thread thread_;
};

std::vector<std::string> states_of(const std::vector<Received>& events, const std::string& id) {
  std::vector<std::string> states;
  for (const Received& e : events) {
    if (e.name != "job" || e.data["id"] != id) continue;
    const std::string state = e.data["state"];
    if (states.empty() || states.back() != state) states.push_back(state);
  }
  return states;
}

TEST(Events, TellAJobsWholeStory) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  Listener all(server, "/api/v1/events");
  ASSERT_TRUE(all.wait([](const auto& events) { return !events.empty(); }));
  EXPECT_EQ(all.events()[0].name, "model");
  EXPECT_EQ(all.events()[0].data["state"], "none");

  json settings = quick_settings();
  settings["num_steps"] = 6;
  const std::string id = accepted_job(client, settings);
  Listener one(server, "/api/v1/jobs/" + id + "/events");
  ASSERT_TRUE(one.wait_for_end());
  ASSERT_TRUE(all.wait([&](const auto& events) {
    const auto states = states_of(events, id);
    return !states.empty() && states.back() == "done";
  }));
  EXPECT_THAT(states_of(all.events(), id), testing::ElementsAre("queued", "running", "done"));
  EXPECT_EQ(states_of(one.events(), id).back(), "done");
  // Progress never goes back.
  const std::vector<std::string> phases = {"loading", "encoding", "denoising", "decoding"};
  ptrdiff_t phase = 0;
  int step = 0, preview = 0, steps_seen = 0;
  for (const Received& e : all.events()) {
    if (e.name != "job" || e.data["state"] != "running") continue;
    const json& p = e.data["progress"];
    const ptrdiff_t now = std::ranges::find(phases, p["phase"].get<std::string>()) - phases.begin();
    EXPECT_GE(now, phase);
    if (now == phase) {
      EXPECT_GE(p["step"], step);
    }
    steps_seen += p["step"] != step;
    EXPECT_GE(p["preview"], preview);
    phase = now;
    step = p["step"];
    preview = p["preview"];
  }
  EXPECT_GE(steps_seen, 3);
  EXPECT_GE(preview, 1);

  client.Delete("/api/v1/jobs/" + id);
  EXPECT_TRUE(all.wait([&](const auto& events) {
    return events.back().name == "deleted" && events.back().data == json{{"id", id}};
  }));
}

TEST(Events, BeginWithWhatIsUnfinished) {
  const TemporaryFolder folder;
  const ServerProcess server(folder.path());
  httplib::Client client = server.client();
  wait_for_state(client, accepted_job(client), "done");
  const std::string running = accepted_job(client, endless_settings()), waiting = accepted_job(client);
  wait_for_state(client, running, "running");
  Listener listener(server, "/api/v1/events");
  EXPECT_TRUE(listener.wait(
      [&](const auto& events) { return !states_of(events, running).empty() && !states_of(events, waiting).empty(); }));
  std::set<std::string> ids;
  for (const Received& e : listener.events()) {
    if (e.name == "job") ids.insert(e.data["id"].get<std::string>());
  }
  EXPECT_THAT(ids, testing::UnorderedElementsAre(running, waiting));
}

TEST(Events, EndWithTheServer) {
  const TemporaryFolder folder;
  ServerProcess server(folder.path());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 5; ++i) listeners.push_back(std::make_unique<Listener>(server, "/api/v1/events"));
  for (auto& listener : listeners) EXPECT_TRUE(listener->wait([](const auto& events) { return !events.empty(); }));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(server.stop(SIGTERM), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace svd::test
