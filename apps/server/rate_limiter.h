// So many times a minute for each client.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace svd::server {

// A bucket of tokens per client: full at first, filled again evenly. Thread-safe.
class RateLimiter {
 public:
  explicit RateLimiter(int per_minute) : per_minute_(per_minute) {}

  bool allow(const std::string& client) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    if (buckets_.size() >= kMostClients) std::erase_if(buckets_, [&](const auto& b) { return is_full(b.second, now); });
    Bucket& bucket = buckets_.try_emplace(client, Bucket{static_cast<double>(per_minute_), now}).first->second;
    bucket.tokens = tokens_at(bucket, now);
    bucket.filled = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kMostClients = 10'000;  // after which those who have been away are forgotten
  struct Bucket {
    double tokens;
    Clock::time_point filled;
  };
  double tokens_at(const Bucket& bucket, Clock::time_point now) const {
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - bucket.filled).count();
    return std::min<double>(per_minute_, bucket.tokens + minutes * per_minute_);
  }
  bool is_full(const Bucket& bucket, Clock::time_point now) const { return tokens_at(bucket, now) >= per_minute_; }

  const int per_minute_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace svd::server
