// What memory this process uses, and what the machine has left for it.
#pragma once

#include <cstdint>

namespace svd {

struct ProcessMemory {
  uint64_t anonymous_bytes = 0;  // resident, not backed by a file: what this program itself uses
  uint64_t resident_bytes = 0;   // resident in all, mapped pages of files included
  uint64_t peak_resident_bytes = 0;
};
ProcessMemory process_memory();

// What a new allocation may expect to get: free memory plus reclaimable caches, and no more than a container's limit.
uint64_t available_host_memory();

}  // namespace svd
