#include <csv.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <new>
#include <utility>

#include "cli/inputs/records.h"

namespace prong::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kBufferStep = 64 * 1024;

int nothing_is_blank(unsigned char) {
  return 0;  // blanks are part of a value
}

/// libcsv's parser, strict: what RFC 4180 does not have is an error, for any guess at it may swallow other rows.
class Parser {
 public:
  explicit Parser(char separator) {
    if (csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_space_func(&parser_, nothing_is_blank);
    csv_set_blk_size(&parser_, kBufferStep);
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  csv_parser* get() { return &parser_; }
  bool is_out_of_memory() { return csv_error(&parser_) != CSV_EPARSE; }

 private:
  csv_parser parser_{};
};

class CsvRecords final : public Records {
 public:
  CsvRecords(char separator, std::string name) : separator_(separator), name_(std::move(name)), parser_(separator) {}

  void append(std::string_view bytes) override {
    if (begun_) return parse(bytes);
    beginning_ += bytes;
    if (beginning_.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(beginning_)) return;
    begin();
  }

  void end() override {
    if (!begun_) begin();
    if (!failure_.empty()) return;
    if (csv_fini(parser_.get(), add_value, add_row, this) != 0)
      fail("a value that begins with a quotation mark does not end with one");
  }

  bool has_record() const override { return !rows_.empty() || !failure_.empty(); }

  bool take(Values& values) override {
    if (rows_.empty()) {
      if (!failure_.empty()) throw InputError(failure_);
      return false;
    }
    values = std::move(rows_.front());
    rows_.pop_front();
    for (const std::string& value : values) size_ -= value.size();
    return true;
  }

  std::size_t size() const override { return size_; }
  std::unique_ptr<Records> another() const override { return csv_records(separator_, name_); }

 private:
  static void add_value(void* bytes, std::size_t size, void* self) {
    auto& records = *static_cast<CsvRecords*>(self);
    records.row_.emplace_back(static_cast<const char*>(bytes), size);
    records.size_ += size;
  }

  static void add_row(int, void* self) {
    auto& records = *static_cast<CsvRecords*>(self);
    records.rows_.push_back(std::exchange(records.row_, {}));
    ++records.rows_read_;
  }

  void begin() {
    begun_ = true;
    std::string_view bytes = beginning_;
    if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
    parse(bytes);
    beginning_.clear();
  }

  void parse(std::string_view bytes) {
    if (!failure_.empty()) return;
    const std::size_t parsed = csv_parse(parser_.get(), bytes.data(), bytes.size(), add_value, add_row, this);
    if (parsed == bytes.size()) {
      lines_read_ += count_lines(bytes);
    } else if (parser_.is_out_of_memory()) {
      throw std::bad_alloc();
    } else {
      lines_read_ += count_lines(bytes.substr(0, parsed));
      fail("a quotation mark stands within a value; such a value is written in quotation marks, with this one doubled");
    }
  }

  static std::uint64_t count_lines(std::string_view bytes) {
    return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  }

  void fail(const std::string& why) {
    failure_ = "cannot read '" + name_ + "' as CSV, line " + std::to_string(lines_read_ + 1) + ", row " +
               std::to_string(rows_read_ + 1) + ": " + why;
  }

  char separator_;
  std::string name_;
  Parser parser_;
  bool begun_ = false;
  std::string beginning_;  // until it is known whether there is a byte order mark
  Values row_;             // which has not ended
  std::deque<Values> rows_;
  std::size_t size_ = 0;
  std::uint64_t lines_read_ = 0;
  std::uint64_t rows_read_ = 0;
  std::string failure_;  // empty: none so far
};

}  // namespace

std::unique_ptr<Records> csv_records(char separator, std::string name) {
  return std::make_unique<CsvRecords>(separator, std::move(name));
}

}  // namespace prong::cli
