#include "retention.h"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

namespace svd::server {

void Retention::enforce() {
  if (options_.keep_for.count() > 0) {
    for (const std::string& id :
         store_.finished_before(iso8601_of(std::chrono::system_clock::now() - options_.keep_for))) {
      remove(id, "age");
    }
  }
  const std::vector<std::string> ids = store_.finished_ids();
  std::deque<std::string> oldest(ids.begin(), ids.end());
  const auto drop_oldest = [&](const char* reason) {
    remove(oldest.front(), reason);
    oldest.pop_front();
  };
  while (oldest.size() > static_cast<size_t>(options_.keep_jobs) && oldest.size() > 1) drop_oldest("number of jobs");
  while (store_.disk_bytes() > options_.disk_quota && oldest.size() > 1) drop_oldest("disk quota");
}

void Retention::remove(const std::string& id, const char* reason) {
  if (!store_.remove(id)) return;
  files_.remove(id);
  view_.publish_removal(id);
  log_.info("old job removed", {{"job", id}, {"reason", reason}});
}

}  // namespace svd::server
