// The options that set the fields of a request, made from the library's table.
#pragma once

#include <CLI/App.hpp>
#include <string_view>

#include "svd/request_fields.h"

namespace svd::cli {

// Adds the option of each field of a group ("Video", "Sampling", ...), under a heading of that name. Values are checked
// when they are read; that a parameter belongs to the sampler chosen is for check_sampling(). The request must outlive
// the parsing.
void add_field_options(CLI::App& command, std::string_view group, Request& request);

}  // namespace svd::cli
