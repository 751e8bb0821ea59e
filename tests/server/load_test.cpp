// Many clients at once, bounded: pollers, uploads, listeners and a flood of bad requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "checkpoint/temporary.h"
#include "server_process.h"

namespace svd::test {
namespace {

using Clock = std::chrono::steady_clock;

TEST(Load, HundredsOfPollersAndUploadsAreServed) {
  constexpr int kPollers = 200, kRequests = 15, kUploaders = 4, kUploads = 5, kListeners = 20;
  const TemporaryFolder folder;
  const ServerProcess server(folder.path(), {"--uploads_per_minute=1000", "--max_queued_per_client=64"});
  httplib::Client first = server.client();
  const std::string path = "/api/v1/jobs/" + accepted_job(first);

  std::atomic<int> answered = 0, failed = 0, accepted = 0, wrong = 0;
  std::atomic<int64_t> slowest_ms = 0;
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  for (int i = 0; i < kPollers; ++i) {
    threads.emplace_back([&] {
      httplib::Client client = server.client();
      client.set_keep_alive(true);
      for (int k = 0; k < kRequests; ++k) {
        const auto start = Clock::now();
        const auto result = client.Get(path);
        ++(result && result->status == 200 ? answered : failed);
        const int64_t ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
        for (int64_t seen = slowest_ms; ms > seen && !slowest_ms.compare_exchange_weak(seen, ms);) {
        }
      }
    });
  }
  for (int i = 0; i < kListeners; ++i) {
    threads.emplace_back([&] {
      httplib::Client client = server.client();
      const auto start = Clock::now();
      client.Get("/api/v1/events", [&](const char*, size_t) { return Clock::now() - start < std::chrono::seconds(1); });
    });
  }
  for (int i = 0; i < kUploaders; ++i) {
    threads.emplace_back([&] {
      httplib::Client client = server.client();
      for (int k = 0; k < kUploads; ++k) {
        const auto result = post_job(client, png_picture(200, 200, k), quick_settings().dump());
        if (result && result->status == 201) ++accepted;
        const auto bad = post_job(client, "nonsense", "{}");
        if (!bad || bad->status != 400) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%d requests in %.1f s, the slowest %lld ms\n", answered.load(), seconds,
              static_cast<long long>(slowest_ms.load()));
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(answered, kPollers * kRequests);
  EXPECT_EQ(accepted, kUploaders * kUploads);
  EXPECT_EQ(wrong, 0);

  const json list = get_json(first, "/api/v1/jobs?limit=100");
  EXPECT_EQ(list["jobs"].size(), 1u + kUploaders * kUploads);
  for (const json& job : list["jobs"]) wait_for_state(first, job["id"], "done");
}

}  // namespace
}  // namespace svd::test
