// Pictures and videos of jobs.
#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>

#include "api.h"
#include "file_reply.h"
#include "reply.h"

namespace svd::server {
namespace {

using httplib::DataSink;
using httplib::Request;
using httplib::Response;

constexpr size_t kChunk = 64 << 10;

std::filesystem::path path_of(const Api& api, const std::string& id, const std::string& name) {
  const auto job = api.store.find(id);
  const auto path = job && job->state == JobState::done ? api.files.find(id, name) : std::nullopt;
  if (!path) throw ApiError(404, "not_found", "There is no such file.");
  return *path;
}

// Finished files never change.
void let_cache(Response& response) { response.set_header("Cache-Control", "private, max-age=31536000, immutable"); }

void send_input(const Api& api, const std::string& id, Response& response) {
  const auto picture = api.store.picture_of(id);
  if (!picture) throw ApiError(404, "not_found", "There is no such job.");
  let_cache(response);
  response.set_content(picture->bytes, "image/" + (picture->type == "jpg" ? std::string("jpeg") : picture->type));
}

struct FreeArchive {
  void operator()(archive* a) const { archive_write_free(a); }
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

// Writes the archive as it is made: it is never on disk or in memory.
bool write_tar(const Api& api, const Job& job, DataSink& sink) {
  const std::unique_ptr<archive, FreeArchive> tar(archive_write_new());
  archive_write_set_format_ustar(tar.get());
  archive_write_set_bytes_per_block(tar.get(), static_cast<int>(kChunk));
  const auto write = [](archive*, void* data, const void* bytes, size_t size) -> la_ssize_t {
    auto& target = *static_cast<DataSink*>(data);
    return target.write(static_cast<const char*>(bytes), size) ? static_cast<la_ssize_t>(size) : -1;
  };
  if (archive_write_open(tar.get(), &sink, nullptr, write, nullptr) != ARCHIVE_OK) return false;
  for (int i = 0; i < job.result.frames; ++i) {
    const std::string name = "frames/" + JobFiles::frame_name(i);
    const auto path = api.files.find(job.id, name);
    if (!path) return false;  // deleted meanwhile: the answer breaks off before its last chunk, which clients notice
    const OpenFile file(*path);
    const std::unique_ptr<archive_entry, FreeArchive> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    if (archive_write_header(tar.get(), entry.get()) != ARCHIVE_OK) return false;
    std::array<char, kChunk> buffer;
    for (size_t offset = 0; offset < file.size();) {
      const ssize_t n = file.read(buffer.data(), buffer.size(), offset);
      if (n <= 0 || archive_write_data(tar.get(), buffer.data(), static_cast<size_t>(n)) != n) return false;
      offset += static_cast<size_t>(n);
    }
  }
  return archive_write_close(tar.get()) == ARCHIVE_OK;
}

void send_tar(const Api& api, const std::string& id, Response& response) {
  const auto job = api.store.find(id);
  if (!job || job->state != JobState::done) throw ApiError(404, "not_found", "There is no such file.");
  for (int i = 0; i < job->result.frames; ++i) {
    const std::string name = "frames/" + JobFiles::frame_name(i);
    if (!api.files.find(id, name)) throw ApiError(404, "not_found", name + " of this job is not there any more.");
  }
  response.set_header("Content-Disposition", "attachment; filename=\"svd-" + id + "-frames.tar\"");
  response.set_chunked_content_provider("application/x-tar", [api, job = *job](size_t, DataSink& sink) {
    if (!write_tar(api, job, sink)) return false;
    sink.done();
    return true;
  });
}

}  // namespace

void add_file_routes(HttpServer& server, const Api& api) {
  const std::string job = R"(/api/v1/jobs/([0-9a-f]{32}))";
  server.Get(job + R"(/files/(video\.mp4|grid\.png|frames/[0-9]{4}\.png))",
             [api](const Request& request, Response& response) {
               const auto path = path_of(api, request.matches[1], request.matches[2]);
               let_cache(response);
               send_file(request, response, path, path.extension() == ".mp4" ? "video/mp4" : "image/png");
             });
  server.Get(job + R"(/files/input\.(png|jpg|webp))",
             [api](const Request& request, Response& response) { send_input(api, request.matches[1], response); });
  server.Get(job + R"(/files/frames\.tar)",
             [api](const Request& request, Response& response) { send_tar(api, request.matches[1], response); });
  server.Get(job + R"(/preview\.png)", [api](const Request& request, Response& response) {
    const auto preview = api.live.preview_of(request.matches[1]);
    if (!preview) throw ApiError(404, "not_found", "There is no preview now.");
    response.set_header("Cache-Control", "no-store");
    response.set_content(*preview, "image/png");
  });
}

}  // namespace svd::server
