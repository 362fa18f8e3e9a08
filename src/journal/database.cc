#include "journal/database.h"

#include <sqlite3.h>

#include <climits>

#include "prong/journal.h"

namespace prong::journal {
namespace {

constexpr int kWaitForReadersMs = 10'000;

std::string advice(int error, const std::string& path) {
  switch (error & 0xff) {
    case SQLITE_CORRUPT:
      return "; the file is damaged: keep it, and save what is left with: sqlite3 '" + path +
             "' .recover | sqlite3 saved.db";
    case SQLITE_NOTADB:
      return "; the file is no journal, or its beginning is damaged; nothing was changed in it";
    case SQLITE_FULL:
      return "; the disk is full";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another program has it";
    default:
      return {};
  }
}

bool may_pass(int error) {
  switch (error & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept {
  ::sqlite3_close_v2(handle);
}

Database::Database(std::string path, Access access) : path_(std::move(path)) {
  const int flags = access == Access::kRead ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int result = ::sqlite3_open_v2(path_.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail("open it");
  ::sqlite3_extended_result_codes(handle, 1);
  ::sqlite3_busy_timeout(handle, kWaitForReadersMs);
}

Database::Database() {
  sqlite3* handle = nullptr;
  const int result = ::sqlite3_open(":memory:", &handle);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail("make it");
}

void Database::set_patience(std::chrono::milliseconds patience) {
  ::sqlite3_busy_timeout(handle(), static_cast<int>(patience.count()));
}

void Database::execute(const char* sql) {
  if (::sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  if (!statement.next()) fail(sql);
  return statement.number(0);
}

std::int64_t Database::last_row() const noexcept {
  return ::sqlite3_last_insert_rowid(handle());
}

std::string Database::image() const {
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> bytes(::sqlite3_serialize(handle(), "main", &size, 0),
                                                              ::sqlite3_free);
  if (!bytes) fail("make it");
  return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

void Database::fail(const std::string& what_was_tried) const {
  const int error = handle_ ? ::sqlite3_extended_errcode(handle()) : SQLITE_NOMEM;
  const std::string reason = handle_ ? ::sqlite3_errmsg(handle()) : "out of memory";
  const std::string text = "journal '" + path_ + "': " + reason + " (while trying to " +
                           what_was_tried.substr(0, what_was_tried.find('(')) + ")" + advice(error, path_);
  if (may_pass(error)) throw JournalUnavailable(text);
  throw JournalError(text);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  ::sqlite3_finalize(statement);
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  if (::sqlite3_prepare_v3(database_.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    database_.fail(sql);
  statement_.reset(statement);
}

void Statement::run() {
  while (next()) continue;
}

bool Statement::next() {
  const int result = ::sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) {
    const std::string sql = ::sqlite3_sql(statement_.get());
    reset();
    database_.fail(sql);
  }
  reset();
  return false;
}

void Statement::reset() noexcept {
  ::sqlite3_reset(statement_.get());
}

std::int64_t Statement::number(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const void* const bytes = ::sqlite3_column_blob(statement_.get(), column);
  const int size = ::sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const {
  return ::sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

void Statement::bind_one(int place, std::int64_t value) {
  if (::sqlite3_bind_int64(statement_.get(), place, value) != SQLITE_OK) database_.fail("set a number");
}

void Statement::bind_one(int place, std::string_view text) {
  const int result = ::sqlite3_bind_text64(statement_.get(), place, text.data() == nullptr ? "" : text.data(),
                                           text.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (result != SQLITE_OK) database_.fail("set a text");
}

void Statement::bind_one(int place, const Blob& blob) {
  const char* const bytes = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  if (::sqlite3_bind_blob64(statement_.get(), place, bytes, blob.bytes.size(), SQLITE_STATIC) != SQLITE_OK)
    database_.fail("set bytes");
}

Transaction::~Transaction() {
  if (open_) ::sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace prong::journal
