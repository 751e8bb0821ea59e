#include "base/process_memory.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>

namespace svd {

ProcessMemory process_memory() {
  ProcessMemory memory;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "RssAnon: %llu", &kib) == 1) memory.anonymous_bytes = kib << 10;
    if (std::sscanf(line.c_str(), "VmRSS: %llu", &kib) == 1) memory.resident_bytes = kib << 10;
    if (std::sscanf(line.c_str(), "VmHWM: %llu", &kib) == 1) memory.peak_resident_bytes = kib << 10;
  }
  return memory;
}

uint64_t available_host_memory() {
  uint64_t available = std::numeric_limits<uint64_t>::max();
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu", &kib) == 1) available = kib << 10;
  }
  // Inside a container the limit of its control group counts as well ("max" when there is none). What the group uses
  // includes file pages, the mapped checkpoint's among them, which the kernel takes back when memory is short.
  std::ifstream limit_file("/sys/fs/cgroup/memory.max");
  std::ifstream used_file("/sys/fs/cgroup/memory.current");
  uint64_t limit = 0, used = 0;
  if (limit_file >> limit && used_file >> used) {
    uint64_t reclaimable = 0, value = 0;
    std::ifstream statistics("/sys/fs/cgroup/memory.stat");
    for (std::string key; statistics >> key >> value;) {
      if (key == "active_file" || key == "inactive_file") reclaimable += value;
    }
    used -= std::min(used, reclaimable);
    available = std::min(available, limit > used ? limit - used : 0);
  }
  return available;
}

}  // namespace svd
