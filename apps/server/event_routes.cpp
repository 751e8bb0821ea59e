// Server-sent events: of everything, or of one job.
#include <memory>

#include "api.h"
#include "reply.h"

namespace svd::server {
namespace {

using httplib::Request;
using httplib::Response;

constexpr auto kHeartbeat = std::chrono::seconds(10);  // so that vanished clients and sleepy proxies are noticed

struct Stream {
  explicit Stream(EventHub& hub, std::string only = {}) : events(hub, std::move(only)) {}
  Subscription events;
  bool begun = false;
};

// Writes what there is, or waits for something; false ends the stream. `is_last` says after which event it is over.
bool write_next(Stream& stream, httplib::DataSink& sink, const std::function<bool(const Event&)>& is_last) {
  if (!std::exchange(stream.begun, true)) {
    constexpr std::string_view kBegin = "retry: 2000\n\n";
    return sink.write(kBegin.data(), kBegin.size());
  }
  const auto event = stream.events.next(kHeartbeat);
  if (stream.events.is_closed()) {
    sink.done();
    return true;
  }
  const std::string text = event ? event->as_text() : ": still here\n\n";
  if (!sink.write(text.data(), text.size())) return false;
  if (event && is_last(*event)) sink.done();
  return true;
}

void send_stream(Response& response, std::shared_ptr<Stream> stream, std::function<bool(const Event&)> is_last) {
  response.set_header("Cache-Control", "no-store");
  response.set_header("X-Accel-Buffering", "no");  // nginx passes events on at once
  response.set_chunked_content_provider(
      "text/event-stream", [stream = std::move(stream), is_last = std::move(is_last)](size_t, httplib::DataSink& sink) {
        return write_next(*stream, sink, is_last);
      });
}

void check_room(const Api& api) {
  if (api.events.listeners() >= static_cast<size_t>(api.options.max_connections) / 2) {
    throw ApiError(503, "busy", "Too many event streams. Try again later.");
  }
}

}  // namespace

void add_event_routes(HttpServer& server, const Api& api) {
  server.Get("/api/v1/events", [api](const Request&, Response& response) {
    check_room(api);
    auto stream = std::make_shared<Stream>(api.events);
    stream->events.add_first({"model", "model", api.model.status().dump()});
    for (const Job& job : api.store.unfinished()) stream->events.add_first(api.view.event_of(job));
    send_stream(response, std::move(stream), [](const Event&) { return false; });
  });
  server.Get(R"(/api/v1/jobs/([0-9a-f]{32})/events)", [api](const Request& request, Response& response) {
    check_room(api);
    const std::string id = request.matches[1];
    auto stream = std::make_shared<Stream>(api.events, "job:" + id);
    const auto job = api.store.find(id);
    if (!job) throw ApiError(404, "not_found", "There is no such job.");
    stream->events.add_first(api.view.event_of(*job));
    send_stream(response, std::move(stream), [](const Event& event) {
      if (event.name == "deleted") return true;
      const auto state = state_named(nlohmann::json::parse(event.data)["state"].get<std::string>());
      return state && is_final(*state);
    });
  });
}

}  // namespace svd::server
