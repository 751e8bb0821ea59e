// Errors in the form that the client of a path expects: the hosted service's, or this server's own.
#pragma once

#include "job.h"
#include "reply.h"

namespace svd::server {

inline bool is_hosted(std::string_view path) { return path.starts_with("/v2beta/") || path.starts_with("/v2alpha/"); }

inline void send_hosted_error(httplib::Response& response, const ApiError& e, const std::string& id = {}) {
  const std::string name = e.status == 400 ? "bad_request" : e.code;
  send_json(response, e.status, {{"id", id.empty() ? new_job_id() : id}, {"name", name}, {"errors", {e.what()}}});
}

inline void send_error_to(const httplib::Request& request, httplib::Response& response, const ApiError& e) {
  if (is_hosted(request.path)) {
    send_hosted_error(response, e);
  } else {
    send_error(response, e);
  }
}

}  // namespace svd::server
