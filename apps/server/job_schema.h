// The tables of the jobs' database. A change of them needs a new version and a step from the old one in
// JobStore::make_schema().
#pragma once

namespace svd::server {

inline constexpr int kSchemaVersion = 1;
inline constexpr const char* kSchema = R"sql(
CREATE TABLE pictures (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  bytes BLOB NOT NULL
);
CREATE TABLE jobs (
  place INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  picture INTEGER NOT NULL REFERENCES pictures (id),
  settings TEXT NOT NULL,
  client TEXT NOT NULL,
  created TEXT NOT NULL,
  started TEXT,
  finished TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  frames INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  saved_to TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX jobs_by_state ON jobs (state, place);
CREATE INDEX jobs_by_picture ON jobs (picture);
CREATE TRIGGER forget_picture AFTER DELETE ON jobs
WHEN NOT EXISTS (SELECT 1 FROM jobs WHERE picture = OLD.picture)
BEGIN
  DELETE FROM pictures WHERE id = OLD.picture;
END;
)sql";

}  // namespace svd::server
