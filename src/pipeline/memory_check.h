// What is planned against the memory that is there, all in bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "pipeline/plan.h"
#include "pipeline/settings.h"

namespace svd {

// Throws Error(out_of_memory), which says what helps, when a run of `plan` exceeds what is available. `smaller_type`:
// what to say about types that take less memory; may be empty.
void check_memory(const PipelinePlan& plan, const Settings& settings, uint64_t available,
                  std::string_view smaller_type);

// The same for keeping all parts in memory: `needed` bytes for all of them, `loaded` of which are there.
void check_memory_for_loading(uint64_t needed, uint64_t loaded, uint64_t available);

}  // namespace svd
