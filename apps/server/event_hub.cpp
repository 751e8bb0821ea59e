#include "event_hub.h"

#include <utility>

namespace svd::server {

Subscription::Subscription(EventHub& hub, std::string only_key) : hub_(hub), only_key_(std::move(only_key)) {
  hub_.add(this);
}

Subscription::~Subscription() { hub_.remove(this); }

std::optional<Event> Subscription::next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  come_.wait_for(lock, wait, [&] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  Event event = std::move(waiting_.front());
  by_key_.erase(event.key);
  waiting_.pop_front();
  return event;
}

bool Subscription::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Subscription::add_first(Event event) {
  const std::lock_guard lock(mutex_);
  if (by_key_.contains(event.key)) return;
  const std::string key = event.key;
  by_key_[key] = waiting_.insert(waiting_.end(), std::move(event));
}

void Subscription::put(const Event& event) {
  if (!only_key_.empty() && event.key != only_key_) return;
  const std::lock_guard lock(mutex_);
  if (const auto older = by_key_.find(event.key); older != by_key_.end()) waiting_.erase(older->second);
  by_key_[event.key] = waiting_.insert(waiting_.end(), event);
  come_.notify_one();
}

void EventHub::publish(const Event& event) {
  const std::lock_guard lock(mutex_);
  for (Subscription* subscription : subscriptions_) subscription->put(event);
}

void EventHub::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (Subscription* subscription : subscriptions_) {
    const std::lock_guard inner(subscription->mutex_);
    subscription->closed_ = true;
    subscription->come_.notify_one();
  }
}

size_t EventHub::listeners() const {
  const std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

void EventHub::add(Subscription* subscription) {
  const std::lock_guard lock(mutex_);
  subscription->closed_ = closed_;
  subscriptions_.insert(subscription);
}

void EventHub::remove(Subscription* subscription) {
  const std::lock_guard lock(mutex_);
  subscriptions_.erase(subscription);
}

}  // namespace svd::server
