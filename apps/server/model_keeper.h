// The model in memory and what is known of it.
#pragma once

#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "event_hub.h"
#include "job.h"
#include "log.h"
#include "server_options.h"
#include "svd/error.h"
#include "svd/model.h"

namespace svd::server {

// status() is thread-safe; everything else is for the worker's thread.
class ModelKeeper {
 public:
  ModelKeeper(const ServerOptions& options, EventHub& events, const Log& log);

  // The model of that version, loaded if it is not there. `go_on` is asked now and then; false ends the loading with
  // Error(cancelled). Throws what svd::Model throws.
  Model& require(Version version, const std::function<bool()>& go_on);
  void unload();
  void refresh();  // the memory that the model takes has changed

  // {"state", "version", "progress", "part", "memory_bytes", "device", "error"}
  nlohmann::json status() const;
  uint64_t memory_bytes() const;

 private:
  struct Status {
    std::string state = "none";  // "loading", "ready", "failed"
    std::optional<Version> version = {};
    double progress = 0;
    std::string part = {}, device = {};
    uint64_t memory_bytes = 0;
    std::optional<JobError> error = {};
  };
  // Keeps all parts in memory, where they fit; `status` is what the page is told meanwhile.
  void load_whole(Model& model, Status& status, const std::function<bool()>& go_on);
  void set(Status status);

  const ServerOptions& options_;
  EventHub& events_;
  const Log& log_;
  std::optional<Model> model_;
  std::optional<Version> version_;

  mutable std::mutex mutex_;
  Status status_;
};

// The name of an error in the API.
std::string code_of(ErrorCode code);

}  // namespace svd::server
