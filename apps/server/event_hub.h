// Server-sent events: from the worker to whoever listens.
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace svd::server {

// "job", "model" or "deleted"; `key` says what it is about. A newer event replaces an older one of the same key that
// has not been read yet, so a listener that is slow misses steps in between and takes no more memory than there are
// jobs.
struct Event {
  std::string name;
  std::string key;
  std::string data;  // JSON, one line

  std::string as_text() const { return "event: " + name + "\ndata: " + data + "\n\n"; }
};

class EventHub;

// One listener's events. next() is for one thread.
class Subscription {
 public:
  Subscription(EventHub& hub, std::string only_key);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  // None when nothing came within the time, or the hub is closed.
  std::optional<Event> next(std::chrono::milliseconds wait);
  bool is_closed() const;
  // Adds what a new listener must know; an event of the same key that came in the meantime is newer and stays.
  void add_first(Event event);

 private:
  friend class EventHub;
  void put(const Event& event);

  EventHub& hub_;
  const std::string only_key_;  // empty: all
  mutable std::mutex mutex_;
  std::condition_variable come_;
  std::list<Event> waiting_;
  std::map<std::string, std::list<Event>::iterator> by_key_;
  bool closed_ = false;
};

// Thread-safe.
class EventHub {
 public:
  void publish(const Event& event);
  void close();  // ends all subscriptions, for good
  size_t listeners() const;

 private:
  friend class Subscription;
  void add(Subscription* subscription);
  void remove(Subscription* subscription);

  mutable std::mutex mutex_;
  std::set<Subscription*> subscriptions_;
  bool closed_ = false;
};

}  // namespace svd::server
