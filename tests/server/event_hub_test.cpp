#include "event_hub.h"

#include <gtest/gtest.h>

#include <thread>

namespace svd::server {
namespace {

using std::chrono::milliseconds;

std::string next_data(Subscription& s) {
  const auto event = s.next(milliseconds(0));
  return event ? event->data : "none";
}

TEST(EventHub, ANewerEventReplacesAnUnreadOneOfItsKey) {
  EventHub hub;
  Subscription slow(hub, "");
  for (int i = 0; i < 1000; ++i) hub.publish({"job", "job:a", std::to_string(i)});
  hub.publish({"job", "job:b", "other"});
  hub.publish({"job", "job:a", "last"});
  EXPECT_EQ(next_data(slow), "other");
  EXPECT_EQ(next_data(slow), "last");
  EXPECT_EQ(next_data(slow), "none");
}

TEST(EventHub, ListenersToOneKeyHearNothingElse) {
  EventHub hub;
  Subscription one(hub, "job:a");
  hub.publish({"job", "job:b", "1"});
  hub.publish({"job", "job:a", "2"});
  EXPECT_EQ(next_data(one), "2");
  EXPECT_EQ(next_data(one), "none");
}

TEST(EventHub, WhatIsKnownFirstDoesNotReplaceNews) {
  EventHub hub;
  Subscription s(hub, "");
  hub.publish({"job", "job:a", "new"});
  s.add_first({"job", "job:a", "old"});
  s.add_first({"job", "job:b", "known"});
  EXPECT_EQ(next_data(s), "new");
  EXPECT_EQ(next_data(s), "known");
}

TEST(EventHub, ClosingWakesListenersAndStays) {
  EventHub hub;
  Subscription s(hub, "");
  std::thread closer([&] { hub.close(); });
  EXPECT_FALSE(s.next(std::chrono::seconds(30)));
  closer.join();
  EXPECT_TRUE(s.is_closed());
  EXPECT_TRUE(Subscription(hub, "").is_closed());
}

TEST(EventHub, ManyThreads) {
  EventHub hub;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&hub, t] {
      for (int i = 0; i < 500; ++i) {
        Subscription s(hub, t % 2 == 0 ? "" : "k1");
        hub.publish({"job", "k" + std::to_string(i % 3), std::to_string(i)});
        s.next(milliseconds(0));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(hub.listeners(), 0u);
}

TEST(Event, HasTheFormOfTheStandard) {
  EXPECT_EQ((Event{"job", "k", R"({"a":1})"}.as_text()), "event: job\ndata: {\"a\":1}\n\n");
}

}  // namespace
}  // namespace svd::server
