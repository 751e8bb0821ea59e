#include "model_keeper.h"

#include <chrono>

#include "svd/error.h"

namespace svd::server {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenReports = std::chrono::milliseconds(250);

}  // namespace

std::string code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "bad_setting";
    case ErrorCode::bad_file: return "bad_file";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::internal: break;
  }
  return "internal";
}

ModelKeeper::ModelKeeper(const ServerOptions& options, EventHub& events, const Log& log)
    : options_(options), events_(events), log_(log) {}

void ModelKeeper::load_whole(Model& model, Status& status, const std::function<bool()>& go_on) {
  auto reported = Clock::now();
  try {
    model.load([&](const Progress& p) {
      if (Clock::now() - reported >= kBetweenReports) {
        reported = Clock::now();
        status.progress = p.fraction;
        status.part = p.part;
        status.memory_bytes = model.loaded_bytes();
        set(status);
      }
      return go_on();
    });
  } catch (const Error& e) {
    if (e.code() != ErrorCode::out_of_memory) throw;
    log_.warning("the model is loaded part by part for each job", {{"reason", e.what()}});
  }
}

Model& ModelKeeper::require(Version version, const std::function<bool()>& go_on) {
  if (model_ && version_ == version) return *model_;
  model_.reset();
  version_.reset();
  Status status{.state = "loading", .version = version};
  set(status);
  const auto begin = Clock::now();
  try {
    Model model({.version = version,
                 .checkpoint = options_.find_checkpoint(version),
                 .device = options_.device,
                 .precision = options_.precision,
                 .threads = options_.threads});
    status.device = model.describe_device();
    if (options_.keep_loaded) load_whole(model, status, go_on);
    model_.emplace(std::move(model));
    version_ = version;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::cancelled) {
      set({});
    } else {
      set({.state = "failed", .version = version, .error = JobError{code_of(e.code()), e.what()}});
    }
    throw;
  }
  set({.state = "ready",
       .version = version,
       .progress = 1,
       .device = status.device,
       .memory_bytes = model_->loaded_bytes()});
  log_.info("model loaded", {{"version", defaults_of(version).name},
                             {"device", status.device},
                             {"seconds", std::chrono::duration<double>(Clock::now() - begin).count()},
                             {"memory_bytes", model_->loaded_bytes()}});
  return *model_;
}

void ModelKeeper::unload() {
  model_.reset();
  version_.reset();
  set({});
}

void ModelKeeper::refresh() {
  if (!model_) return;
  Status status;
  {
    const std::lock_guard lock(mutex_);
    status = status_;
  }
  if (status.memory_bytes == model_->loaded_bytes()) return;
  status.memory_bytes = model_->loaded_bytes();
  set(status);
}

void ModelKeeper::set(Status status) {
  {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
  }
  events_.publish({"model", "model", this->status().dump()});
}

json ModelKeeper::status() const {
  const std::lock_guard lock(mutex_);
  const Status& s = status_;
  return {{"state", s.state},
          {"version", s.version ? json(defaults_of(*s.version).name) : json(nullptr)},
          {"progress", s.progress},
          {"part", s.part.empty() ? json(nullptr) : json(s.part)},
          {"memory_bytes", s.memory_bytes},
          {"device", s.device},
          {"error", s.error ? json{{"code", s.error->code}, {"message", s.error->message}} : json(nullptr)}};
}

uint64_t ModelKeeper::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return status_.memory_bytes;
}

}  // namespace svd::server
