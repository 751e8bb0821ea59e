// SQLite with errors as exceptions.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "svd/error.h"

namespace svd::server {

// Error(bad_file) with the reason that matters to who waits: another program has the database now, or the disk is full.
// Both pass.
class DatabaseError : public Error {
 public:
  enum class Cause { busy, full, other };
  DatabaseError(Cause why, const std::string& message) : Error(ErrorCode::bad_file, message), cause(why) {}

  const Cause cause;
};

// One statement, run by step(). Values are bound from the left, columns read by number. Not thread-safe.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  Statement& bind(int64_t value);
  Statement& bind(std::string_view value);
  Statement& bind(std::span<const std::byte> value);
  Statement& bind(const std::optional<std::string>& value);

  bool step();  // true: there is a row
  void run();   // of a statement without rows

  int64_t integer(int column) const;
  std::string text(int column) const;  // empty when null
  bool is_null(int column) const;
  std::string bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

// The first column of the first row; 0 without one.
inline int64_t first_number(Statement&& statement) { return statement.step() ? statement.integer(0) : 0; }

// A database file in WAL mode whose commits are on the disk when they return. Not thread-safe.
// Everything throws DatabaseError with the file's name and SQLite's words.
class Database {
 public:
  enum class Open { existing, existing_or_new };
  explicit Database(const std::filesystem::path& path, Open how = Open::existing_or_new);

  Statement prepare(std::string_view sql) { return Statement(database_.get(), sql); }
  void execute(const std::string& sql);  // any number of statements
  int64_t last_row() const { return sqlite3_last_insert_rowid(database_.get()); }
  int changes() const { return sqlite3_changes(database_.get()); }
  // How long a call waits while another program has the database; kUsualWait at first.
  void wait_at_most(std::chrono::milliseconds time);

  static constexpr std::chrono::milliseconds kUsualWait{2000};

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// Rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace svd::server
