// Which finished jobs go when there are too many, they are too old, or their files take too much room.
#pragma once

#include "job_files.h"
#include "job_store.h"
#include "job_view.h"
#include "log.h"
#include "server_options.h"

namespace svd::server {

class Retention {
 public:
  Retention(const ServerOptions& options, JobStore& store, JobFiles& files, const JobView& view, const Log& log)
      : options_(options), store_(store), files_(files), view_(view), log_(log) {}

  // The oldest finished jobs go, but never the newest video. For one thread at a time.
  void enforce();

 private:
  void remove(const std::string& id, const char* reason);

  const ServerOptions& options_;
  JobStore& store_;
  JobFiles& files_;
  const JobView& view_;
  const Log& log_;
};

}  // namespace svd::server
