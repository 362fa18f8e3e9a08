#include "prong/result_table.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace prong {
namespace {

constexpr int kWaitForOthersMs = 60'000;
constexpr std::array kFirstColumns = {"number"};
constexpr std::array kLastColumns = {"outcome", "value", "exception", "message", "attempts", "seconds", "finished"};
constexpr const char* kPrefix = "input_";

struct Close {
  void operator()(sqlite3* database) const noexcept { ::sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const noexcept { ::sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;
using Names = std::vector<std::string>;

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

std::string joined(const Names& names, std::string (*shown)(const std::string&)) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + shown(name);
  return text;
}

std::string as_it_is(const std::string& name) {
  return name;
}

// SQLite's names differ in more than the case of ASCII letters.
bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other,
                            [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

bool has(const Names& names, std::string_view name) {
  return std::ranges::any_of(names, [&](const std::string& each) { return same_name(each, name); });
}

Names columns_with(const Names& inputs) {
  Names taken(kFirstColumns.begin(), kFirstColumns.end());
  taken.insert(taken.end(), kLastColumns.begin(), kLastColumns.end());
  Names columns(kFirstColumns.begin(), kFirstColumns.end());
  for (const std::string& input : inputs) {
    std::string name = input;
    while (name.empty() || has(taken, name)) name.insert(0, kPrefix);
    taken.push_back(name);
    columns.push_back(std::move(name));
  }
  columns.insert(columns.end(), kLastColumns.begin(), kLastColumns.end());
  return columns;
}

bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char first = byte(i);
    const std::size_t more = first < 0x80   ? 0
                             : first < 0xC2 ? 4
                             : first < 0xE0 ? 1
                             : first < 0xF0 ? 2
                             : first < 0xF5 ? 3
                                            : 4;
    if (more == 4 || text.size() - i <= more) return false;
    for (std::size_t j = 1; j <= more; ++j)
      if ((byte(i + j) & 0xC0) != 0x80) return false;
    const unsigned char second = more > 1 ? byte(i + 1) : 0;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second > 0x8F))
      return false;
    i += more + 1;
  }
  return true;
}

}  // namespace

class ResultTable::Impl {
 public:
  Impl(const std::string& path, const std::string& table, const Names& inputs)
      : path_(path), table_(table), columns_(columns_with(inputs)) {
    open();
    make_table();
    insert_ = prepared("INSERT INTO " + quoted(table_) + " (" + joined(columns_, quoted) + ") VALUES (" +
                       joined(columns_, [](const std::string&) { return std::string("?"); }) + ")");
  }

  ~Impl() {
    insert_.reset();
    if (in_transaction_) try_to("ROLLBACK");
    // One file again, as it was, if nobody else has it open.
    if (!journal_before_.empty()) try_to("PRAGMA journal_mode = " + journal_before_);
  }

  void add(const ResultRow& row) {
    if (!in_transaction_) execute("BEGIN IMMEDIATE");
    in_transaction_ = true;
    place_ = 0;
    bind(static_cast<std::int64_t>(row.number));
    for (const auto& input : row.inputs) bind(input);
    bind(row.outcome);
    std::visit([this](const auto& value) { bind(value); }, row.value);
    bind(row.exception);
    bind(row.message);
    bind(static_cast<std::int64_t>(row.attempts));
    bind(row.seconds);
    bind(row.finished);
    const int result = ::sqlite3_step(insert_.get());
    ::sqlite3_reset(insert_.get());
    if (result != SQLITE_DONE) fail("add a row");
  }

  void commit() {
    if (!in_transaction_) return;
    execute("COMMIT");
    in_transaction_ = false;
  }

 private:
  void open() {
    sqlite3* database = nullptr;
    const int result = ::sqlite3_open(path_.c_str(), &database);
    database_.reset(database);
    if (result != SQLITE_OK) fail("open it");
    ::sqlite3_busy_timeout(database, kWaitForOthersMs);
    const std::string before = text_of("PRAGMA journal_mode");
    if (before == "wal" || text_of("PRAGMA journal_mode = wal") != "wal") return;
    journal_before_ = before;
    execute("PRAGMA synchronous = NORMAL");
  }

  void make_table() {
    execute("BEGIN IMMEDIATE");
    in_transaction_ = true;
    const Names present = columns_of_table();
    if (present.empty())
      execute("CREATE TABLE " + quoted(table_) + " (" + joined(columns_, declared) + ")");
    else if (!std::ranges::equal(present, columns_, same_name))
      throw ResultTableError("cannot add results to the table '" + table_ + "' of '" + path_ +
                             "': it has the columns " + joined(present, as_it_is) + ", and these results have " +
                             joined(columns_, as_it_is) + "; choose another table by --table NAME");
    commit();
  }

  static std::string declared(const std::string& column) {
    static const std::vector<std::pair<std::string, const char*>> types = {
        {"number", " INTEGER"},   {"outcome", " TEXT"}, {"exception", " TEXT"}, {"message", " TEXT"},
        {"attempts", " INTEGER"}, {"seconds", " REAL"}, {"finished", " REAL"}};
    const auto found = std::ranges::find(types, column, [](const auto& type) { return type.first; });
    return quoted(column) + (found == types.end() ? "" : found->second);
  }

  Names columns_of_table() {
    const Statement statement = prepared("SELECT name FROM pragma_table_info(?) ORDER BY cid");
    ::sqlite3_bind_text(statement.get(), 1, table_.c_str(), -1, SQLITE_STATIC);
    Names names;
    int result = ::sqlite3_step(statement.get());
    for (; result == SQLITE_ROW; result = ::sqlite3_step(statement.get()))
      names.emplace_back(reinterpret_cast<const char*>(::sqlite3_column_text(statement.get(), 0)));
    if (result != SQLITE_DONE) fail("look at its tables");
    return names;
  }

  std::string text_of(const std::string& sql) {
    const Statement statement = prepared(sql);
    if (::sqlite3_step(statement.get()) != SQLITE_ROW) fail("look at it");
    return reinterpret_cast<const char*>(::sqlite3_column_text(statement.get(), 0));
  }

  Statement prepared(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (::sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      fail("use the table '" + table_ + "'");
    return Statement(statement);
  }

  void execute(const std::string& sql) {
    if (::sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      fail(sql == "COMMIT" ? "write rows" : "make the table '" + table_ + "'");
  }

  void try_to(const std::string& sql) noexcept {
    ::sqlite3_busy_timeout(database_.get(), 0);
    ::sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  }

  void bind(std::monostate) { check(::sqlite3_bind_null(insert_.get(), ++place_)); }
  void bind(std::int64_t number) { check(::sqlite3_bind_int64(insert_.get(), ++place_, number)); }
  void bind(double number) { check(::sqlite3_bind_double(insert_.get(), ++place_, number)); }
  void bind(const ResultBytes& value) {
    const char* bytes = value.bytes.empty() ? "" : value.bytes.data();
    check(::sqlite3_bind_blob64(insert_.get(), ++place_, bytes, value.bytes.size(), SQLITE_TRANSIENT));
  }
  void bind(std::string_view text) {
    if (!is_utf8(text)) return bind(ResultBytes{text});
    const char* bytes = text.empty() ? "" : text.data();
    check(::sqlite3_bind_text64(insert_.get(), ++place_, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  template <typename Text>
  void bind(const std::optional<Text>& text) {
    text ? bind(std::string_view(*text)) : bind(std::monostate());
  }

  void check(int result) {
    if (result != SQLITE_OK) fail("add a row");
  }

  [[noreturn]] void fail(const std::string& what_was_tried) {
    const std::string reason = database_ ? ::sqlite3_errmsg(database_.get()) : "out of memory";
    throw ResultTableError("cannot keep results in '" + path_ + "': " + reason + " (while trying to " + what_was_tried +
                           ")");
  }

  std::string path_;
  std::string table_;
  Names columns_;
  Database database_;
  std::string journal_before_;  // how the database was written before; empty: as now
  Statement insert_;
  bool in_transaction_ = false;
  int place_ = 0;  // of the value that was bound last
};

ResultTable::ResultTable(const std::string& path, const std::string& table, const std::vector<std::string>& inputs)
    : impl_(std::make_unique<Impl>(path, table, inputs)) {}

ResultTable::~ResultTable() = default;

void ResultTable::add(const ResultRow& row) {
  impl_->add(row);
}

void ResultTable::commit() {
  impl_->commit();
}

}  // namespace prong
