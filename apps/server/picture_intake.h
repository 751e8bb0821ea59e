// Pictures from strangers: size, kind and content are checked before a job is made of them.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>

#include "job_store.h"
#include "server_options.h"
#include "svd/image.h"

namespace svd::server {

// Thread-safe; bounds how many uploads and decoded pictures are in memory at a time.
class PictureIntake {
 public:
  explicit PictureIntake(const ServerOptions& options) : options_(options) {}

  // The body of an upload. Throws ApiError: 413 when it is larger than a picture and its settings may be, 503 when too
  // many are arriving, in all or from this client, 400 when it breaks off.
  std::string read_body(const httplib::Request& request, const std::string& client,
                        const httplib::ContentReader& reader);

  // Throws ApiError 400 "bad_picture", 413 or 503.
  Image decode(std::string_view bytes);
  // Decodes it to see that it can be.
  Picture check(std::string_view bytes);

 private:
  static constexpr int kUploads = 16, kUploadsOfOne = 4, kDecoders = 2;
  class ClientPermit;
  const ServerOptions& options_;
  std::counting_semaphore<kUploads> uploads_{kUploads};
  std::counting_semaphore<kDecoders> decoders_{kDecoders};
  std::mutex mutex_;
  std::condition_variable client_done_;
  std::map<std::string, int> by_client_;  // uploads that are arriving
};

}  // namespace svd::server
