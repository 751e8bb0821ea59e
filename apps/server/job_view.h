// Jobs as clients see them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "event_hub.h"
#include "job_store.h"
#include "live_progress.h"

namespace svd::server {

// Thread-safe.
class JobView {
 public:
  JobView(JobStore& store, const LiveProgress& live, EventHub& events) : store_(store), live_(live), events_(events) {}

  nlohmann::json of(const Job& job) const;
  Event event_of(const Job& job) const;

  // Tell the listeners.
  void publish(const std::string& id) const;  // nothing when it is not there any more
  void publish_queue() const;                 // places have changed
  void publish_removal(const std::string& id) const;

 private:
  JobStore& store_;
  const LiveProgress& live_;
  EventHub& events_;
};

}  // namespace svd::server
