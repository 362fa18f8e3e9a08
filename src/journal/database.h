// Database, Statement: SQLite's C interface with owners, types and errors. The file is named in every error.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace prong::journal {

class Database {
 public:
  enum class Access { kRead, kWrite };

  /// The file must be there. Throws JournalError.
  Database(std::string path, Access access);
  /// In memory.
  Database();

  /// How long others that have the file are waited for, 10 s otherwise.
  void set_patience(std::chrono::milliseconds patience);

  /// Runs SQL without results. Throws JournalError.
  void execute(const char* sql);
  /// The first column of the first row.
  std::int64_t number(const char* sql);
  std::int64_t last_row() const noexcept;

  /// The bytes of the whole database.
  std::string image() const;

  /// Throws JournalError for what SQLite has just refused; if that may pass, JournalUnavailable.
  [[noreturn]] void fail(const std::string& what_was_tried) const;

  const std::string& path() const noexcept { return path_; }
  sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// Bytes, not text.
struct Blob {
  std::string_view bytes;
};

/// Prepared once, run often. What is bound must live until the statement has run. All throw JournalError.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  /// Values for the parameters, from the first on.
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  /// Runs it to its end.
  void run();
  /// The next row; false: there is none, and the statement can be bound anew.
  bool next();
  /// Of one that is not to be read to its end.
  void reset() noexcept;

  std::int64_t number(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  void bind_one(int place, std::int64_t value);
  void bind_one(int place, std::uint64_t value) { bind_one(place, static_cast<std::int64_t>(value)); }
  void bind_one(int place, int value) { bind_one(place, std::int64_t{value}); }
  void bind_one(int place, std::string_view text);
  void bind_one(int place, const std::string& text) { bind_one(place, std::string_view(text)); }
  void bind_one(int place, const char* text) { bind_one(place, std::string_view(text)); }
  void bind_one(int place, const Blob& blob);

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// All or nothing: rolled back unless it was committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace prong::journal
