// The one thread that owns the model and works off the queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "job_files.h"
#include "job_store.h"
#include "job_view.h"
#include "live_progress.h"
#include "log.h"
#include "metrics.h"
#include "model_keeper.h"
#include "retention.h"
#include "server_options.h"

namespace svd::server {

// What the worker works with. Everything is borrowed.
struct WorkerSurroundings {
  const ServerOptions& options;
  JobStore& store;
  JobFiles& files;
  const SavedCopies& copies;
  LiveProgress& live;
  const JobView& view;
  ModelKeeper& model;
  Retention& retention;
  Metrics& metrics;
  const Log& log;
};

// Its functions are for any thread.
class Worker {
 public:
  explicit Worker(const WorkerSurroundings& surroundings) : s_(surroundings) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { stop(); }

  void start();
  void stop();  // the running job goes back into the queue; returns when the thread has ended
  void wake();  // there may be a new job

  // Ends that job's computation if it is the running one; its state in the store is the caller's affair.
  void abandon(const std::string& id);

  // Done when the running job has ended; of several wishes the last one counts.
  void load_model(Version version);
  void unload_model();  // also ends a loading that nobody needs

 private:
  struct ModelWish {
    std::optional<Version> version;  // none: unload
  };
  void run();
  bool work_once();  // false: nothing to do
  void fulfil(const ModelWish& wish);
  void work_on(const Job& job);
  void make_video(const Job& job);
  bool may_go_on() const { return !stopping_ && !abandoned_; }

  WorkerSurroundings s_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false, abandoned_ = false;

  std::mutex mutex_;
  std::condition_variable woken_;
  bool wake_ = false;
  std::string running_;  // id
  std::optional<ModelWish> wish_;
};

}  // namespace svd::server
