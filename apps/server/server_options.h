// How the server is to run: what the options of `svd serve` set.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "svd/options.h"

namespace svd::server {

struct ServerOptions {
  // Network.
  std::string host = "127.0.0.1";
  int port = 8501;                              // 0: any that is free
  std::string token = {};                       // empty: none is asked for
  bool insecure_no_token = false;               // none is asked for although other machines can reach the server
  std::vector<std::string> allowed_hosts = {};  // names that the Host header may have beside localhost and addresses
  bool trust_proxy = false;                     // the client's address is the last one of X-Forwarded-For
  int max_connections = 512;
  std::filesystem::path web_root = {};  // serves the page from this folder instead of from the program

  // Model.
  // The checkpoint of a version. Throws Error(bad_file) that says where it is to be put.
  std::function<std::filesystem::path(Version)> find_checkpoint;
  Device device = {};
  Precision precision = Precision::automatic;
  int threads = 0;              // 0: all cores
  bool keep_loaded = true;      // the model stays in memory between jobs
  std::string defaults = "{}";  // JSON: settings of jobs that do not say otherwise

  // Jobs and disk.
  std::filesystem::path data = "svd-server";    // database and files
  std::filesystem::path save_root = "outputs";  // jobs may save copies below it; empty: never
  int max_queued = 64;
  int max_queued_per_client = 16;
  int max_samples = 8;                           // jobs per request
  int keep_jobs = 1000;                          // finished ones; the oldest go first
  std::chrono::hours keep_for{0};                // 0: for ever
  uint64_t disk_quota = uint64_t{20} << 30;      // bytes of the pictures and files of all jobs
  uint64_t min_free_disk = uint64_t{256} << 20;  // bytes: with less, no job is accepted or started
  int max_attempts = 10;                         // a job that the server died with that often has failed

  // Requests.
  uint64_t max_upload = uint64_t{32} << 20;  // bytes
  int max_picture_side = 8192;
  int64_t max_picture_pixels = 50'000'000;
  int uploads_per_minute = 60;             // of a client
  std::chrono::seconds read_timeout{30};   // for a request to arrive whole; uploads get more by their size
  std::chrono::seconds write_timeout{20};  // without any progress

  bool log_json = false;
  std::string log_level = "info";
};

}  // namespace svd::server
