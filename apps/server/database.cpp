#include "database.h"

#include <fmt/format.h>

#include "base/fail.h"

namespace svd::server {
namespace {

DatabaseError::Cause cause_of(int result) {
  switch (result & 0xFF) {  // without the extended code
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return DatabaseError::Cause::busy;
    case SQLITE_FULL: return DatabaseError::Cause::full;
    default: return DatabaseError::Cause::other;
  }
}

constexpr std::string_view kDamaged = "; restore a copy of it, or start with another --data folder";

[[noreturn]] void fail_with(sqlite3* database, std::string_view doing) {
  const char* file = database ? sqlite3_db_filename(database, "main") : nullptr;
  const int result = database ? sqlite3_errcode(database) : SQLITE_NOMEM;
  const bool damaged = result == SQLITE_CORRUPT || result == SQLITE_NOTADB;
  throw DatabaseError(cause_of(result),
                      fmt::format("{}: {}: {}{}", file ? file : "database", doing,
                                  database ? sqlite3_errmsg(database) : "out of memory", damaged ? kDamaged : ""));
}

}  // namespace

Statement::Statement(sqlite3* database, std::string_view sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK) {
    fail_with(database, sql);
  }
  statement_.reset(statement);
}

Statement& Statement::bind(int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), ++bound_, value) != SQLITE_OK) fail_with(database_, "bind");
  return *this;
}

// Text and bytes must live until the statement has run.
Statement& Statement::bind(std::string_view value) {
  if (sqlite3_bind_text64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8) !=
      SQLITE_OK) {
    fail_with(database_, "bind");
  }
  return *this;
}

Statement& Statement::bind(std::span<const std::byte> value) {
  if (sqlite3_bind_blob64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_STATIC) != SQLITE_OK) {
    fail_with(database_, "bind");
  }
  return *this;
}

Statement& Statement::bind(const std::optional<std::string>& value) {
  if (value) return bind(std::string_view(*value));
  if (sqlite3_bind_null(statement_.get(), ++bound_) != SQLITE_OK) fail_with(database_, "bind");
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result != SQLITE_ROW && result != SQLITE_DONE) fail_with(database_, "step");
  return result == SQLITE_ROW;
}

void Statement::run() {
  if (step()) fail(ErrorCode::internal, "a statement that changes the database gave a row");
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const { return bytes(column); }

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

std::string Statement::bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data ? std::string(static_cast<const char*>(data), size) : std::string();
}

Database::Database(const std::filesystem::path& path, Open how) {
  sqlite3* database = nullptr;
  const int create = how == Open::existing_or_new ? SQLITE_OPEN_CREATE : 0;
  const int result =
      sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | create | SQLITE_OPEN_FULLMUTEX, nullptr);
  database_.reset(database);
  if (result != SQLITE_OK) {
    throw DatabaseError(cause_of(result), fmt::format("{}: the database cannot be opened: {}", path.string(),
                                                      database ? sqlite3_errmsg(database) : "out of memory"));
  }
  wait_at_most(kUsualWait);
  // FULL: a commit waits for the disk, so that an accepted job survives a power cut and not only the program's death.
  execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
}

void Database::wait_at_most(std::chrono::milliseconds time) {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(time.count()));
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail_with(database_.get(), sql);
  }
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (...) {  // SQLite has rolled back by itself
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace svd::server
