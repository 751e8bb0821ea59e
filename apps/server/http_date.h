// Times as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT".
#pragma once

#include <ctime>
#include <string>

namespace svd::server {

std::string http_date_of(std::time_t time);

}  // namespace svd::server
