// The model in memory.
#include "api.h"
#include "reply.h"

namespace svd::server {

void add_model_routes(HttpServer& server, const Api& api) {
  server.Get("/api/v1/model", [api](const httplib::Request&, httplib::Response& response) {
    send_json(response, 200, api.model.status());
  });
  server.Post("/api/v1/model", [api](const httplib::Request& request, httplib::Response& response) {
    const nlohmann::json body = request.body.empty() ? nlohmann::json::object() : parse_json(request.body, "body");
    const Version version = parse_settings(body, api.defaults, 1).settings.version;
    try {
      api.options.find_checkpoint(version);
    } catch (const Error& e) {
      throw ApiError(409, "no_checkpoint", e.what(), "version");
    }
    api.worker.load_model(version);
    send_json(response, 202, api.model.status());
  });
  server.Delete("/api/v1/model", [api](const httplib::Request&, httplib::Response& response) {
    api.worker.unload_model();
    response.status = 204;
  });
}

}  // namespace svd::server
