#include "picture_intake.h"

#include <fmt/format.h>

#include <chrono>
#include <span>
#include <string_view>

#include "api_error.h"
#include "svd/error.h"

namespace svd::server {
namespace {

constexpr uint64_t kBesidePicture = 64 << 10;  // settings and the form's own bytes

template <typename Semaphore>
class Permit {
 public:
  Permit(Semaphore& semaphore, std::chrono::seconds wait) : semaphore_(semaphore) {
    if (!semaphore_.try_acquire_for(wait)) throw ApiError(503, "busy", "Too many uploads at a time. Try again later.");
  }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;
  ~Permit() { semaphore_.release(); }

 private:
  Semaphore& semaphore_;
};

[[noreturn]] void too_large(uint64_t most) {
  throw ApiError(413, "too_large", fmt::format("The picture is too large: at most {} bytes are taken.", most), "image");
}

bool is_shown_by_browsers(std::string_view bytes) {
  return bytes.starts_with("\xFF\xD8") || bytes.starts_with("\x89PNG") || bytes.starts_with("RIFF");
}

std::string type_of(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "png";
  return bytes.starts_with("RIFF") ? "webp" : "jpg";
}

}  // namespace

// One client cannot have all permits, so that others are served while it is slow.
class PictureIntake::ClientPermit {
 public:
  ClientPermit(PictureIntake& intake, std::string client, std::chrono::seconds wait)
      : intake_(intake), client_(std::move(client)) {
    std::unique_lock lock(intake_.mutex_);
    const auto may = [&] {
      const auto own = intake_.by_client_.find(client_);
      return own == intake_.by_client_.end() || own->second < kUploadsOfOne;
    };
    if (!intake_.client_done_.wait_for(lock, wait, may)) {
      throw ApiError(503, "busy", fmt::format("A client may send {} pictures at a time. Try again.", kUploadsOfOne));
    }
    ++intake_.by_client_[client_];
  }
  ClientPermit(const ClientPermit&) = delete;
  ClientPermit& operator=(const ClientPermit&) = delete;
  ~ClientPermit() {
    const std::lock_guard lock(intake_.mutex_);
    if (--intake_.by_client_[client_] == 0) intake_.by_client_.erase(client_);
    intake_.client_done_.notify_all();
  }

 private:
  PictureIntake& intake_;
  const std::string client_;
};

std::string PictureIntake::read_body(const httplib::Request& request, const std::string& client,
                                     const httplib::ContentReader& reader) {
  const uint64_t most = options_.max_upload + kBesidePicture;
  if (request.has_header("Content-Length")) {
    const std::string length = request.get_header_value("Content-Length");
    if (length.size() > 15 || std::strtoull(length.c_str(), nullptr, 10) > most) too_large(options_.max_upload);
  }
  const ClientPermit own(*this, client, std::chrono::seconds(10));
  const Permit permit(uploads_, std::chrono::seconds(10));
  std::string body;
  const bool whole = reader([&](const char* data, size_t size) {
    if (body.size() + size > most) return false;
    body.append(data, size);
    return true;
  });
  if (!whole && body.size() + (16 << 10) > most) too_large(options_.max_upload);
  if (!whole) throw ApiError(400, "bad_request", "The body did not arrive whole, or not in time.");
  return body;
}

Image PictureIntake::decode(std::string_view bytes) {
  if (bytes.size() > options_.max_upload) too_large(options_.max_upload);
  if (bytes.empty()) throw ApiError(400, "bad_picture", "The picture is empty.", "image");
  const Permit permit(decoders_, std::chrono::seconds(30));
  try {
    return decode_image(std::as_bytes(std::span(bytes)), "picture",
                        {.side = options_.max_picture_side, .pixels = options_.max_picture_pixels});
  } catch (const Error& e) {
    throw ApiError(400, "bad_picture", e.what(), "image");
  }
}

Picture PictureIntake::check(std::string_view bytes) {
  const Image image = decode(bytes);
  if (is_shown_by_browsers(bytes)) return {std::string(bytes), type_of(bytes)};
  const std::vector<std::byte> png = encode_png(image);
  return {std::string(reinterpret_cast<const char*>(png.data()), png.size()), "png"};
}

}  // namespace svd::server
