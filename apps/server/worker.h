// The one thread that owns the model and works off the queue.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "disk_space.h"
#include "job_files.h"
#include "job_store.h"
#include "job_view.h"
#include "live_progress.h"
#include "log.h"
#include "metrics.h"
#include "model_keeper.h"
#include "retention.h"
#include "saved_copies.h"
#include "server_options.h"

namespace svd::server {

// What the worker works with. Everything is borrowed.
struct WorkerSurroundings {
  const ServerOptions& options;
  JobStore& store;
  JobFiles& files;
  const SavedCopies& copies;
  const DiskSpace& disk;
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

  // Done when the running job has ended; of several requests the last one wins.
  void load_model(Version version);
  void unload_model();  // also ends a loading that nobody needs

  // Why it waits although there may be work: the disk is full, or the database does not answer. Jobs stay accepted,
  // finished videos are kept until they can be written.
  std::optional<JobError> trouble() const;

 private:
  // How a job has ended, until the store knows.
  struct Ending {
    enum class Kind { done, failed, cancelled, requeued } kind;
    std::string id;
    std::optional<JobError> error = {};
    JobResult result = {};
    double seconds = 0;
  };
  struct ModelRequest {
    std::optional<Version> version;  // none: unload
  };
  void run();
  bool work_once();  // false: nothing to do
  bool has_room();   // on the disk, for another job
  std::optional<ModelRequest> take_request();
  std::optional<Job> start_next();
  void carry_out(const ModelRequest& request);
  Ending work_on(const Job& job);
  JobResult make_video(const Job& job);
  Video generate(const Job& job);
  JobResult write_files(const Job& job, const Video& video);
  std::optional<JobError> save_copies(const Job& job, JobResult& result);
  void publish_if_possible(const std::string& id);
  void settle();  // tells the store of the ending; throws while it cannot
  void record(const Ending& ending);
  void set_trouble(std::optional<JobError> trouble);
  void pause();  // before the next try; ends early when the server stops
  bool may_go_on() const { return !stopping_ && !abandoned_; }

  WorkerSurroundings s_;
  std::thread thread_;
  std::atomic<bool> stopping_ = false, abandoned_ = false;
  std::optional<Ending> ending_;

  mutable std::mutex mutex_;
  std::optional<JobError> trouble_;
  std::condition_variable woken_;
  bool wake_ = false;
  std::string running_;  // id
  std::optional<ModelRequest> model_request_;
};

}  // namespace svd::server
