// svd serve: the web page and the job server.
#pragma once

#include <functional>

#include "server_options.h"

namespace svd::server {

// Runs until `stop` says so, which is asked several times a second. The job that runs then goes back into the queue.
// Throws Error: invalid_argument for options that do not go together, bad_file for a data folder that cannot be used or
// that another server uses, unsupported for an address that cannot be had.
void run_server(const ServerOptions& options, const std::function<bool()>& stop);

}  // namespace svd::server
