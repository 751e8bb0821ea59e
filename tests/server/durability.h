// What tests of the server's durability share.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "server_process.h"

namespace svd::test {

// The server's database, as another program has it.
class OtherProgram {
 public:
  explicit OtherProgram(const std::filesystem::path& database) {
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open(database.c_str(), &opened), SQLITE_OK);
    database_.reset(opened);
    sqlite3_busy_timeout(opened, 10'000);
  }
  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_.get());
  }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

inline std::string finished_job(const ServerProcess& server) {
  httplib::Client client = server.client();
  const std::string id = accepted_job(client);
  wait_for_state(client, id, "done");
  return id;
}

// Whether it does so within the time; asked again and again.
template <typename Condition>
bool comes_true(const Condition& condition, std::chrono::seconds time = std::chrono::seconds(30)) {
  for (const auto deadline = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < deadline;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

// Which must come at once, whatever state the server is in.
inline json health_of(const ServerProcess& server) {
  httplib::Client client = server.client();
  const auto begin = std::chrono::steady_clock::now();
  const auto result = client.Get("/api/v1/health");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  return result ? json::parse(result->body) : json();
}

}  // namespace svd::test
