// Removing a job from the store and its files from the disk.
#pragma once

#include <string>

#include "job_files.h"
#include "job_store.h"

namespace svd::server {

// False when the store has no such job. When the store fails, both stay; a death in between leaves what
// JobFiles::tidy() completes or takes back. Throws DatabaseError, Error(bad_file).
inline bool remove_job(JobStore& store, JobFiles& files, const std::string& id) {
  files.begin_removal(id);
  bool was_there = false;
  try {
    was_there = store.remove(id);
  } catch (...) {
    files.undo_removal(id);
    throw;
  }
  files.end_removal(id);
  return was_there;
}

}  // namespace svd::server
