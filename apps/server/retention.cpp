#include "retention.h"

#include <chrono>
#include <deque>
#include <string>
#include <vector>

#include "job_removal.h"

namespace svd::server {

void Retention::enforce() {
  if (options_.keep_for.count() > 0) {
    for (const std::string& id :
         store_.removable_before(iso8601_of(std::chrono::system_clock::now() - options_.keep_for))) {
      remove(id, "age");
    }
  }
  const std::vector<std::string> ids = store_.removable_ids();
  std::deque<std::string> oldest(ids.begin(), ids.end());
  const auto drop_oldest = [&](const char* reason) {
    remove(oldest.front(), reason);
    oldest.pop_front();
  };
  for (int64_t ended = store_.ended_count(); ended > options_.keep_jobs && !oldest.empty(); --ended) {
    drop_oldest("number of jobs");
  }
  while (!oldest.empty() && store_.disk_bytes() > options_.disk_quota) drop_oldest("disk quota");
}

void Retention::remove(const std::string& id, const char* reason) {
  if (!remove_job(store_, files_, id)) return;
  view_.publish_removal(id);
  log_.info("old job removed", {{"job", id}, {"reason", reason}});
}

}  // namespace svd::server
